"""Projects, which bills can belong to: `/projects`."""

from typing import Any

from monite_auth.emulator.api.call import Call
from monite_auth.emulator.api.resource import Resource
from monite_auth.emulator.api.tags import with_tags
from monite_auth.emulator.directory import Record


class Projects(Resource):
    """Projects, which bear tags."""

    def filled(self, call: Call) -> dict[str, Any]:
        return with_tags(call, super().filled(call))

    def changed(self, call: Call, record: Record) -> dict[str, Any]:
        return with_tags(call, super().changed(call, record))


PROJECTS = Projects("/projects", "project", object_type="project")
PROJECTS.serve()
