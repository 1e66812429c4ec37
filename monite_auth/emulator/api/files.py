"""Files: `/files`, and what other records tell about theirs. `file_content` serves the content at the file's URL."""

import base64
import hashlib
import mimetypes
from typing import Any

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.world.directory import Record


class Files(Resource):
    """Files. The partner sees all of them, an entity user those of their entity."""

    def create(self, call: Call) -> dict[str, Any]:
        return keep_file(call, call.files["file"], call.body["file"], call.body["file_type"]).shown()

    def list(self, call: Call) -> dict[str, Any]:
        return self.page(call, self.table(call).all(call.of_entity.id if call.of_entity else None))


def keep_file(call: Call, name: str, content: str, file_type: str) -> Record:
    """Add a file to the entity, or to the partner where the call is about no entity.

    Args:
        call: what brings the file.
        name: its name, by which its media type is known.
        content: its content in base64.
        file_type: one of Monite's words for what a file is for.

    Raises:
        RefusedError: the content is not base64 (400).

    """
    decoded = decoded_content(content)
    file_id = call.monite.new_id()
    table = call.directory.table(FILES.table_name)
    record: Record = table.add(
        file_id,
        {
            "name": name,
            "file_type": file_type,
            "mimetype": mimetypes.guess_type(name)[0] or "application/octet-stream",
            "md5": hashlib.md5(decoded, usedforsecurity=False).hexdigest(),
            "size": len(decoded),
            "url": f"{call.origin}/files/{file_id}",
            "region": "local",
            "s3_bucket": "emulator",
            "s3_file_path": f"{file_type}/{file_id}",
            "content": content,
        },
        entity_id=call.of_entity.id if call.of_entity else "",
        created_by=call.user_id,
    )
    return record


def decoded_content(content: str) -> bytes:
    """Return the bytes of a content in base64.

    Raises:
        RefusedError: it is not base64 (400).

    """
    try:
        return base64.b64decode(content, validate=True)
    except ValueError:
        raise RefusedError(400, "The content of the file is not in base64.") from None


def file_fields(file: Record) -> dict[str, Any]:
    """Return what a record tells about its file."""
    shown = {name: value for name, value in file.shown().items() if name != "content"}
    return {"file_id": file.id, "file": shown}


FILES = Files("/files", "file", caller="either", kept={"content": {"type": "string"}})
FILES.serve()
