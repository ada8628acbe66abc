"""The mail program in the browser: pages over the store.

One noun a file: `mailbox` shows a list, `conversation` the letters of a thread, `letter` one of them. `app` has the
table of all paths. What a page shows is read in one call of the store (`Desk.store.read`), from columns that stand
ready; nothing here assumes that a letter came by SMTP.

What must hold, whatever a letter has in it:

1. Templates escape everything; HTML of a letter is never part of a page of ours. It is cleaned (`html_clean`) and shown
   in a frame, whose document has no origin and a policy of its own (`headers.FRAME`).
2. No page has a script or a style in its text: the policy (`headers.PAGE`) allows files of ours alone.
3. Whatever changes something is a POST that carries the login's own token and comes from a page of ours (`csrf`).
4. Every row that is read or changed is asked for together with the account that owns it.
5. What people send is limited before it is read (`limits`).
"""
