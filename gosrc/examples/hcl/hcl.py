"""HCL, the language of Terraform, as Python values: the interface of the package pygohcl."""

from typing import Any, Protocol

from gobind import GoError, goerror, gointerface


@goerror
class HCLError(GoError):
    reason: str


@gointerface
class HCL(Protocol):
    def loads(self, text: str, keep_interpolations: bool = False) -> dict[str, Any]: ...
    def attributes_loads(self, text: str) -> dict[str, Any]: ...
    def eval_var_condition(self, condition: str, message: str, name: str, value: str) -> None: ...
