"""Serves the content of files at the URLs that the API tells. As at Monite, whoever knows a file's URL may read it."""

import base64

from fastapi import APIRouter, Request
from fastapi.responses import Response

from monite_auth.emulator.answers.errors import RefusedError
from monite_auth.emulator.state.monite import Monite

router = APIRouter(include_in_schema=False)

#: What a browser shows. It downloads everything else: a page among the files would have the emulator's origin.
SHOWN = frozenset({"application/pdf", "image/jpeg", "image/png"})


@router.get("/files/{file_id}")
async def read_file(file_id: str, request: Request) -> Response:
    monite: Monite = request.app.state.monite
    file = monite.file(file_id)
    if file is None:
        raise RefusedError(404, f"There is no file {file_id}.")
    kind = file.fields["mimetype"]
    return Response(
        base64.b64decode(file.fields["content"]),
        media_type=kind if kind in SHOWN else "application/octet-stream",
        headers={
            "Access-Control-Allow-Origin": "*",
            "Content-Disposition": "inline" if kind in SHOWN else "attachment",
            "X-Content-Type-Options": "nosniff",
        },
    )
