"""The pytest plugin: the fixture ``mail_server``. It loads the server when a test asks for it, and not before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from posthouse.testing import MailServer, Template


@pytest.fixture(scope="session")
def mail_server_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """What all mail servers of this run begin with."""
    from posthouse.testing import Template

    return Template(tmp_path_factory.mktemp("posthouse") / "template")


@pytest.fixture
def mail_server(mail_server_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    """A real mail server on free ports of this machine, empty, for this test alone."""
    from posthouse.testing import MailServer

    with MailServer.start(tmp_path_factory.mktemp("mail"), mail_server_template) as server:
        yield server
