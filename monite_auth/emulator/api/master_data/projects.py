"""Projects, which bills can belong to: `/projects`."""

from typing import Any

from monite_auth.emulator.api.master_data.tags import with_tags
from monite_auth.emulator.api.serving.call import Call
from monite_auth.emulator.api.serving.resource import Resource
from monite_auth.emulator.world.directory import Record


class Projects(Resource):
    """Projects, which bear tags."""

    def filled(self, call: Call) -> dict[str, Any]:
        call.check_reference("parent_id", self.table(call), "project")
        return with_tags(call, super().filled(call))

    def changed(self, call: Call, record: Record) -> dict[str, Any]:
        call.check_reference("parent_id", self.table(call), "project")
        return with_tags(call, super().changed(call, record))


PROJECTS = Projects("/projects", "project", object_type="project")
PROJECTS.serve()
