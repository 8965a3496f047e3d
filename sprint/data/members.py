"""The files of a folder or of a ZIP by name: what reads the one reads the other."""

import zipfile
import zlib
from functools import cached_property
from pathlib import Path

from sprint.runtime.errors import UserError


class Members:
    """Files below a folder, or in a ZIP, stored or compressed."""

    def __init__(self, path: Path):
        self.path = Path(path)

    def __getstate__(self):
        return {"path": self.path}

    @property
    def zipped(self) -> bool:
        return self.path.is_file() and self.path.suffix.lower() == ".zip"

    @cached_property
    def archive(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.path)
        except (OSError, zipfile.BadZipFile) as error:
            raise UserError(f"{self.path}: cannot be read as a ZIP ({error}); copy it anew") from error

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        if self.zipped:
            return name in self.archive.NameToInfo
        return (self.path / name).is_file()

    def read(self, name: str) -> bytes:
        """Raises UserError for a file that is not there or broken."""
        try:
            if self.zipped:
                return self.archive.read(name)
            return (self.path / name).read_bytes()
        except KeyError as error:
            raise UserError(f"{self.path}: has no {name}, which its index names; copy it anew") from error
        except (OSError, zipfile.BadZipFile, zlib.error) as error:
            said = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise UserError(f"{self.path / name}: cannot be read ({said}); copy it anew") from error
