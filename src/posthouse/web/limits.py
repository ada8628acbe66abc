"""Everything that a browser can influence the size or the length of."""

from __future__ import annotations

# Octets of a request's line and header; browsers send 2 KiB, nginx takes 8 KiB a line, Apache 8 KiB a field.
HEADER_SIZE = 64 * 1024
# Seconds for the header of a request, and between two requests.
HEADER_SECONDS = 20
KEEP_ALIVE_SECONDS = 75
# Octets of a form without files, its fields, and seconds that it may take.
FORM_SIZE = 1024 * 1024
FORM_FIELDS = 2_000
FORM_SECONDS = 60.0
# Rows of a list that one answer has. Two screens: the next ones are fetched while these are read.
ROWS = 50
# Rows with which a list that stands in a page is brought up to date.
FRESH_ROWS = 200
# Characters of a plain letter that a page shows, and of HTML that is cleaned: what lies behind is in the source.
TEXT = 500_000
HTML = 2_000_000
# Octets of the pictures within one letter's HTML that its frame carries.
INLINE_PICTURES = 20 * 1024 * 1024
# Letters of a conversation whose text stands in its page, the newest; the others are fetched when they are unfolded.
OPEN_LETTERS = 10
# Attached files that one letter lists.
FILES = 500
# Windows of one account that wait for new mail, in each process; seconds that one stream of events lasts before the
# browser asks for the next, seconds between two signs of life on it, and milliseconds after which it comes back.
WAITING_PAGES = 50
STREAM_SECONDS = 3_600
SIGN_OF_LIFE_SECONDS = 25
RETRY_MILLISECONDS = 2_000
# New letters that one event names, for notifications; and changes among which they are looked for, when one comes back.
NOTIFIED = 3
MISSED = 5_000
# Letters that a search lists, the newest; whoever looks for one among more writes another word.
FOUND = 5_000
# Octets of a text that is written, with what it quotes; characters of a subject or a line of addresses.
WRITTEN = 8 * 1024 * 1024
TYPED = 100_000
# Seconds in which a letter that was sent can be taken back, and the longest that it may wait to be sent.
TAKE_BACK = 10
SEND_LATER = 365 * 86_400
# Seconds without a piece of a file that is on its way.
UPLOAD_SECONDS = 60.0
# People that the fields of addresses offer, and the letters in Sent that are looked through for them.
PEOPLE = 500
PEOPLE_LETTERS = 2_000
# Octets of a file with mail that is taken in, and seconds that an export waits to be fetched.
IMPORT = 10 * 1024**3
EXPORT_SECONDS = 3_600
