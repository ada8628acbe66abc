"""Mail in files of other programs: letters (.eml), mbox, Maildir and .zip, read and written as streams.

* A reader is a generator of `Item`; it holds one message at a time, and of a large one only a part (large.py).
* Octets come out with CRLF line ends, whatever the file has; what is written has the line ends its programs expect.
* Flags are named as IMAP names them; folders are paths with "/", and "" is the mailbox that the file itself is.
* Nothing that exists is overwritten. What a writer has closed is on disk: written, synced, the directory synced.
* Reading back what was written gives the same items: octets (of letters with CRLF line ends), flags, dates to the
  second and folders, as far as the format can hold them.
* Errors are `MailFileError` (the file isn't what it should be) and the `OSError` of the system.
"""

from __future__ import annotations

from .eml import EmlWriter, read_eml
from .item import Item, Progress
from .maildir import MaildirWriter, read_maildir
from .mbox import Dialect, MboxWriter, read_mbox
from .mbox_folder import MboxFolderWriter
from .tree import read
from .zipped import ZipWriter, read_zip

__all__ = [
    "Dialect", "EmlWriter", "Item", "MaildirWriter", "MboxFolderWriter", "MboxWriter", "Progress", "ZipWriter", "read",
    "read_eml", "read_maildir", "read_mbox", "read_zip",
]  # fmt: skip
