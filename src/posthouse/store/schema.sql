-- The whole schema, as a new store gets it. Four words differ between databases: {id}, {int}, {blob}, {strict};
-- a fifth, {clustered}, keeps rows in the order of their primary key where the database can.
-- Times are seconds since 1970, truth values 0 and 1.

CREATE TABLE store (
    one {int} PRIMARY KEY CHECK (one = 1),
    version {int} NOT NULL,       -- of this schema
    oldest {int} NOT NULL,        -- the oldest schema version whose programs can work with it
    uidvalidity {int} NOT NULL,   -- the last one given; never goes back
    swept {int} NOT NULL,         -- no stray file is older than this
    held {int} NOT NULL           -- until then no octets are deleted: a backup is being made
) {strict};

CREATE TABLE domain (
    id {id},
    name TEXT NOT NULL UNIQUE     -- U-labels, case folded
) {strict};

CREATE TABLE account (
    id {id},
    address TEXT NOT NULL UNIQUE, -- canonical: see address.py
    typed TEXT NOT NULL,          -- as the operator wrote it
    password TEXT NOT NULL,       -- a hash; never the password
    created {int} NOT NULL,
    modseq {int} NOT NULL,        -- of the last change in any of its mailboxes
    horizon {int} NOT NULL,       -- removals up to this modseq are forgotten
    size {int} NOT NULL,          -- octets of all its messages, each counted once
    messages {int} NOT NULL,
    size_limit {int},             -- NULL: none
    message_limit {int}
) {strict};

-- Further addresses of accounts; "@example.org" takes what nobody else at the domain does.
CREATE TABLE alias (
    address TEXT NOT NULL,
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    PRIMARY KEY (address, account_id)
) {strict} {clustered};
CREATE INDEX alias_account ON alias (account_id);

-- Passwords that a person gave to one program each.
CREATE TABLE app_password (
    id {id},
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    password TEXT NOT NULL,       -- a hash
    protocols TEXT NOT NULL,      -- "imap smtp"; empty: all
    created {int} NOT NULL,
    used {int},                   -- when last
    UNIQUE (account_id, name)
) {strict};

-- Keys for SCRAM (RFC 5802 §3), beside the hash of each password. All of an account share one salt (scram_key.py).
CREATE TABLE scram_key (
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    app_password_id {int} REFERENCES app_password(id) ON DELETE CASCADE, -- NULL: of the account's own password
    digest TEXT NOT NULL,         -- "sha256", "sha1"
    salt {blob} NOT NULL,
    iterations {int} NOT NULL,
    stored_key {blob} NOT NULL,
    server_key {blob} NOT NULL
) {strict};
CREATE INDEX scram_key_account ON scram_key (account_id, digest);
CREATE INDEX scram_key_app_password ON scram_key (app_password_id);

-- Random octets that the server keeps to itself.
CREATE TABLE secret (
    name TEXT PRIMARY KEY,
    value {blob} NOT NULL
) {strict};

-- Who may not come in, or not log in (ban.py).
CREATE TABLE ban (
    kind TEXT NOT NULL,           -- "network", "account"
    subject TEXT NOT NULL,        -- "192.0.2.7/32", "2001:db8:1:2::/64"; a canonical address, whether it exists or not
    scope TEXT NOT NULL,          -- "logins", "connections"
    reason TEXT NOT NULL,         -- for the administrator
    made {int} NOT NULL,
    until {int},                  -- NULL: until it is lifted
    times {int} NOT NULL,         -- how often in a row: each lasts longer than the last
    PRIMARY KEY (kind, subject)
) {strict} {clustered};

-- Networks from which an account logged in: a ban of the account doesn't hold there.
CREATE TABLE familiar (
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    network TEXT NOT NULL,
    seen {int} NOT NULL,          -- when last, to the day
    PRIMARY KEY (account_id, network)
) {strict} {clustered};

-- As whom an account writes (identity.py).
CREATE TABLE identity (
    id {id},
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    signature TEXT NOT NULL,
    preferred {int} NOT NULL
) {strict};
CREATE INDEX identity_account ON identity (account_id);

-- What a login with a browser asks for besides the password (second_factor.py).
CREATE TABLE second_factor (
    account_id {int} PRIMARY KEY REFERENCES account(id) ON DELETE CASCADE,
    secret TEXT NOT NULL,
    active {int} NOT NULL,        -- 0: proposed, and no code of it was given yet
    period {int} NOT NULL,        -- of the last code: a code holds once
    wrong {int} NOT NULL,         -- codes in a row
    paused_until {int} NOT NULL   -- no code is taken before
) {strict};
CREATE TABLE recovery_code (
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    digest {blob} NOT NULL,
    PRIMARY KEY (account_id, digest)
) {strict} {clustered};

-- Who is logged in with a browser (web_login.py).
CREATE TABLE web_login (
    id {id},
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    digest {blob} NOT NULL UNIQUE, -- of the token in the cookie; never the token
    created {int} NOT NULL,
    seen {int} NOT NULL,          -- when last, to some minutes
    timezone TEXT NOT NULL,       -- the browser's: "Europe/Berlin"; empty: not known
    agent TEXT NOT NULL,          -- the browser, as it names itself
    address TEXT NOT NULL,        -- from where
    pending {int} NOT NULL DEFAULT 0 -- the second factor is still to come
) {strict};
CREATE INDEX web_login_account ON web_login (account_id);
CREATE INDEX web_login_seen ON web_login (seen);

-- Searches that people keep (saved_search.py).
CREATE TABLE saved_search (
    id {id},
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    UNIQUE (account_id, query)
) {strict};

CREATE TABLE mailbox (
    id {id},
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    name TEXT NOT NULL,           -- levels joined by "/"
    uidvalidity {int} NOT NULL,
    uidnext {int} NOT NULL,
    messages {int} NOT NULL,
    unseen {int} NOT NULL,
    deleted {int} NOT NULL,       -- messages flagged \Deleted
    size {int} NOT NULL,          -- octets of all messages
    highestmodseq {int} NOT NULL, -- of the last change to a message in it
    modseq {int} NOT NULL,        -- of the last change to this row other than by messages
    special_use TEXT NOT NULL,    -- RFC 6154, "\Sent"; empty: none
    subscribed {int} NOT NULL,
    recent_from {int} NOT NULL DEFAULT 1, -- no IMAP session was told of this UID and those behind it (recent.py)
    UNIQUE (account_id, name)
) {strict};

-- A mailbox was here.
CREATE TABLE mailbox_tombstone (
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    modseq {int} NOT NULL,
    mailbox_id {int} NOT NULL,
    removed {int} NOT NULL,
    PRIMARY KEY (account_id, modseq, mailbox_id)
) {strict} {clustered};

-- Names that somebody subscribed to and that no mailbox has; a mailbox has its own mark.
CREATE TABLE subscription (
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    PRIMARY KEY (account_id, name)
) {strict} {clustered};

-- What others may do in a mailbox (acl.py). Its owner may do everything, and has no row.
CREATE TABLE acl (
    mailbox_id {int} NOT NULL REFERENCES mailbox(id) ON DELETE CASCADE,
    identifier TEXT NOT NULL,     -- an account's address, or "anyone"; with "-" in front the rights are taken away
    rights TEXT NOT NULL,         -- letters of RFC 4314 §2.1
    PRIMARY KEY (mailbox_id, identifier)
) {strict} {clustered};
CREATE INDEX acl_identifier ON acl (identifier);

-- What people note beside a mailbox, or beside their account (annotation.py, RFC 5464).
CREATE TABLE annotation (
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE, -- who sees a /private one; else the owner
    mailbox_id {int} REFERENCES mailbox(id) ON DELETE CASCADE,          -- NULL: beside the account
    entry TEXT NOT NULL,
    value {blob},                 -- NULL: removed
    modseq {int} NOT NULL,        -- of its last change
    UNIQUE (account_id, mailbox_id, entry)
) {strict};
CREATE INDEX annotation_mailbox ON annotation (mailbox_id);
CREATE INDEX annotation_modseq ON annotation (account_id, modseq);

-- With which an account signs URLs of messages in a mailbox (url_key.py, RFC 4467).
CREATE TABLE url_key (
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    mailbox_id {int} NOT NULL REFERENCES mailbox(id) ON DELETE CASCADE,
    key {blob} NOT NULL,
    PRIMARY KEY (account_id, mailbox_id)
) {strict} {clustered};
CREATE INDEX url_key_mailbox ON url_key (mailbox_id);

-- Octets in messages/: one row for each file, counted by messages and other users.
CREATE TABLE blob (
    id TEXT PRIMARY KEY,
    size {int} NOT NULL,
    uses {int} NOT NULL,
    released {int}                -- when the last use ended
) {strict} {clustered};
CREATE INDEX blob_unused ON blob (released) WHERE uses = 0;

-- Octets of small letters, from their delivery until their file is made (fresh.py).
CREATE TABLE fresh (
    blob_id TEXT PRIMARY KEY REFERENCES blob(id) ON DELETE CASCADE,
    octets {blob} NOT NULL
) {strict};

-- To which thread a message id, or nothing, together with a base subject leads (thread.py). A thread has the id of its
-- first message, and no row: so a letter has one tree less to be written into.
CREATE TABLE thread_key (
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    key {int} NOT NULL,
    thread_id {int} NOT NULL,
    latest {int} NOT NULL,        -- when a message last came with it
    PRIMARY KEY (account_id, key)
) {strict} {clustered};

-- A letter as one account has it. What doesn't change is written once; `wire` has what a reader asks for, ready.
CREATE TABLE message (
    id {id},
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    thread_id {int} NOT NULL,
    blob_id TEXT NOT NULL REFERENCES blob(id),
    prefix {blob} NOT NULL,       -- our own header lines, before the octets
    size {int} NOT NULL,          -- prefix and octets
    header_size {int} NOT NULL,   -- of the octets' header, with the empty line
    received {int} NOT NULL,      -- INTERNALDATE, receivedAt
    sent {int},                   -- the Date field, where it can be understood
    attachment {int} NOT NULL,
    removed {int},                -- when the last placement went
    zone {int} NOT NULL DEFAULT 0 -- by how many seconds the clock of the Date field is ahead of UTC
) {strict};
CREATE INDEX message_blob ON message (blob_id);
CREATE INDEX message_thread ON message (thread_id);
CREATE INDEX message_removed ON message (removed) WHERE removed IS NOT NULL;

CREATE TABLE wire (
    message_id {int} PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
    envelope {blob} NOT NULL,
    body {blob} NOT NULL,
    bodystructure {blob} NOT NULL,
    tree {blob} NOT NULL,
    subject TEXT NOT NULL,
    from_ TEXT NOT NULL,
    to_ TEXT NOT NULL,
    cc TEXT NOT NULL,
    bcc TEXT NOT NULL,
    reply_to TEXT NOT NULL,
    message_id_ TEXT NOT NULL,
    in_reply_to TEXT NOT NULL,
    reference_ids TEXT NOT NULL,
    base_subject TEXT NOT NULL,
    preview TEXT NOT NULL
) {strict};

-- The header fields that mail programs list, packed (message/listed.py). Without a row a reader asks the letter.
CREATE TABLE listed (
    message_id {int} PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
    fields {blob} NOT NULL
) {strict};

-- What people search by, case folded (fold.py): narrow, because it is read row after row.
CREATE TABLE folded (
    message_id {int} PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
    subject TEXT NOT NULL,
    from_ TEXT NOT NULL,
    to_ TEXT NOT NULL,
    cc TEXT NOT NULL,
    bcc TEXT NOT NULL
) {strict};

-- What SORT and THREAD compare (ordering.py): octets whose order is the order of the words that they stand for.
CREATE TABLE ordering (
    message_id {int} PRIMARY KEY REFERENCES message(id) ON DELETE CASCADE,
    date {int} NOT NULL,          -- sent; or received, where that isn't known
    subject {blob} NOT NULL,      -- the base subject
    is_reply {int} NOT NULL,      -- or forwarded, by its subject
    from_ {blob} NOT NULL,        -- of the first address what stands before the "@"
    to_ {blob} NOT NULL,
    cc {blob} NOT NULL,
    display_from {blob} NOT NULL, -- of the first address what people see
    display_to {blob} NOT NULL,
    own TEXT NOT NULL,            -- its message id
    ancestors TEXT NOT NULL       -- the ids of what it answers, the oldest first, joined by spaces
) {strict};

-- What an import has brought, so that it brings nothing twice (transfer.py).
CREATE TABLE imported (
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    digest {blob} NOT NULL,
    message_id {int} NOT NULL REFERENCES message(id) ON DELETE CASCADE,
    PRIMARY KEY (account_id, digest)
) {strict} {clustered};
CREATE INDEX imported_message ON imported (message_id);

-- Each combination of flags that an account uses, once; a placement has one.
CREATE TABLE flagset (
    id {id},
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    line {blob} NOT NULL,         -- sorted, joined by spaces: "\Answered \Seen $Forwarded"
    seen {int} NOT NULL,
    deleted {int} NOT NULL,
    UNIQUE (account_id, line)
) {strict};

-- A message in a mailbox.
CREATE TABLE placement (
    mailbox_id {int} NOT NULL REFERENCES mailbox(id) ON DELETE CASCADE,
    uid {int} NOT NULL,
    message_id {int} NOT NULL REFERENCES message(id),
    flagset_id {int} NOT NULL,  -- no REFERENCES: it would need an index that every STORE had to keep
    modseq {int} NOT NULL,        -- of its last change
    created {int} NOT NULL,       -- the modseq with which it came
    saved {int} NOT NULL,         -- when it came here (RFC 8514)
    received {int} NOT NULL,      -- the message's, by which people see a mailbox
    PRIMARY KEY (mailbox_id, uid)
) {strict} {clustered};
CREATE INDEX placement_received ON placement (mailbox_id, received, uid);
CREATE INDEX placement_modseq ON placement (mailbox_id, modseq);
CREATE INDEX placement_message ON placement (message_id);

-- Which UIDs below UIDNEXT no message has any more (uid_list.py). Can be made anew.
CREATE TABLE hole (
    mailbox_id {int} NOT NULL REFERENCES mailbox(id) ON DELETE CASCADE,
    chunk {int} NOT NULL,         -- of 8,192 UIDs, the first from 0 on
    bits {blob} NOT NULL,         -- one for each UID, the lowest of the first octet first; what lies behind is 0
    PRIMARY KEY (mailbox_id, chunk)
) {strict} {clustered};

-- What lists ask of the messages with 64 neighbouring UIDs, ready for the wire (bundle.py). Can be made anew. Not
-- {clustered}: SQLite would read each row as a whole to compare its key.
CREATE TABLE bundle (
    mailbox_id {int} NOT NULL REFERENCES mailbox(id) ON DELETE CASCADE,
    first {int} NOT NULL,         -- the first of the UIDs: 1, 65, 129, …
    received {blob} NOT NULL,     -- 64 entries, and so in each column
    size {blob} NOT NULL,
    listed {blob} NOT NULL,
    PRIMARY KEY (mailbox_id, first)
) {strict};

-- The rest of it, apart, because some list by the one, and others by the other.
CREATE TABLE bundled_list (
    mailbox_id {int} NOT NULL REFERENCES mailbox(id) ON DELETE CASCADE,
    first {int} NOT NULL,
    messages {int} NOT NULL,      -- how many of the UIDs have one
    envelopes {blob} NOT NULL,    -- where ENVELOPE and BODYSTRUCTURE stand in the lines
    structures {blob} NOT NULL,
    lines {blob} NOT NULL,
    PRIMARY KEY (mailbox_id, first)
) {strict};

-- What SORT and THREAD compare of the same messages (bundled_order.py): the columns of ordering, most asked for first.
CREATE TABLE bundled_order (
    mailbox_id {int} NOT NULL REFERENCES mailbox(id) ON DELETE CASCADE,
    first {int} NOT NULL,
    date {blob} NOT NULL,
    subject {blob} NOT NULL,
    is_reply {blob} NOT NULL,
    own {blob} NOT NULL,
    ancestors {blob} NOT NULL,
    received {blob} NOT NULL,     -- of message
    size {blob} NOT NULL,         -- of message
    from_ {blob} NOT NULL,
    to_ {blob} NOT NULL,
    cc {blob} NOT NULL,
    display_from {blob} NOT NULL,
    display_to {blob} NOT NULL,
    PRIMARY KEY (mailbox_id, first)
) {strict};

-- Mailboxes in which bundles may be missing.
CREATE TABLE unbundled (
    mailbox_id {int} PRIMARY KEY REFERENCES mailbox(id) ON DELETE CASCADE,
    since {int} NOT NULL          -- the UID from which on they have to be looked for
) {strict};

-- A message was here. Kept for a time, so that whoever comes back can be told.
CREATE TABLE tombstone (
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    mailbox_id {int} NOT NULL,
    modseq {int} NOT NULL,        -- of the removal
    uid {int} NOT NULL,
    message_id {int} NOT NULL,
    created {int} NOT NULL,       -- of the placement that is gone
    removed {int} NOT NULL,       -- when
    flagset_id {int} NOT NULL,    -- as the placement had them: for sessions that still show the message
    saved {int} NOT NULL,
    PRIMARY KEY (account_id, modseq, mailbox_id, uid)
) {strict} {clustered};
CREATE INDEX tombstone_removed ON tombstone (removed);

-- A letter on its way to other servers: there as long as one of its recipients is (queue.py).
CREATE TABLE outgoing (
    id {id},
    blob_id TEXT NOT NULL REFERENCES blob(id),
    prefix {blob} NOT NULL,       -- our own header lines, before the octets
    size {int} NOT NULL,          -- of the octets
    header_size {int} NOT NULL,   -- of the octets' header, with the empty line
    sender TEXT NOT NULL,         -- the reverse-path; empty: <>
    ret TEXT,                     -- RFC 3461 §4.3
    envid TEXT,                   -- §4.4
    queued {int} NOT NULL,
    requiretls {int} NOT NULL DEFAULT 0, -- RFC 8689
    priority {int} NOT NULL DEFAULT 0,   -- RFC 6710
    deliver_by {int},             -- RFC 2852: when it should have arrived
    by_mode TEXT NOT NULL DEFAULT '', -- "R", "N", with a "T" for its trace
    hold TEXT,                    -- RFC 4865: what was asked, as a report repeats it
    release {int},                -- then it may go
    account_id {int} REFERENCES account(id) ON DELETE SET NULL -- who handed it in; NULL: nobody who has an account
) {strict};
CREATE INDEX outgoing_blob ON outgoing (blob_id);
CREATE INDEX outgoing_held ON outgoing (account_id, release) WHERE release IS NOT NULL;

CREATE TABLE outgoing_recipient (
    id {id},
    letter_id {int} NOT NULL REFERENCES outgoing(id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    domain TEXT NOT NULL,         -- canonical: see address.py
    notify TEXT NOT NULL,         -- RFC 3461 §4.1
    orcpt TEXT,                   -- §4.2
    held {int} NOT NULL,          -- by the operator
    leased {int} NOT NULL,        -- an attempt is under way; until `due` nobody else begins one
    attempts {int} NOT NULL,
    due {int} NOT NULL,
    expires {int} NOT NULL,       -- then it is given up
    warned {int} NOT NULL,        -- the sender was told that it takes longer
    reply TEXT NOT NULL,          -- what was last said of it
    priority {int} NOT NULL DEFAULT 0 -- the letter's
) {strict};
CREATE INDEX outgoing_recipient_letter ON outgoing_recipient (letter_id);
CREATE INDEX outgoing_recipient_due ON outgoing_recipient (due, domain, letter_id) WHERE held = 0;
CREATE INDEX outgoing_recipient_domain ON outgoing_recipient (domain, due) WHERE held = 0;
CREATE INDEX outgoing_recipient_priority ON outgoing_recipient (priority, due, domain, letter_id)
    WHERE held = 0 AND priority <> 0;
CREATE INDEX outgoing_recipient_leased ON outgoing_recipient (id) WHERE leased = 1;

-- A letter written here that waits for its time to leave, and its copy in Sent: until then it can be taken back
-- (submission.py; JMAP's EmailSubmission, RFC 8621 §7).
CREATE TABLE submission (
    outgoing_id {int} PRIMARY KEY REFERENCES outgoing(id) ON DELETE CASCADE,
    account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE,
    message_id {int} NOT NULL REFERENCES message(id) ON DELETE CASCADE
) {strict} {clustered};
CREATE INDEX submission_account ON submission (account_id);
CREATE INDEX submission_message ON submission (message_id);

-- Addresses here whose letters go on to addresses elsewhere (forward.py).
CREATE TABLE forward (
    address TEXT NOT NULL,        -- canonical; "@example.org": what nobody else there has
    target TEXT NOT NULL,         -- as the operator wrote it
    PRIMARY KEY (address, target)
) {strict} {clustered};

-- MTA-STS policies of other domains (sts.py, RFC 8461).
CREATE TABLE mta_sts (
    domain TEXT PRIMARY KEY,      -- A-labels
    ident TEXT NOT NULL,          -- the version that the domain's TXT record named
    mode TEXT NOT NULL,
    patterns TEXT NOT NULL,       -- hosts, separated by spaces
    fetched {int} NOT NULL,
    expires {int} NOT NULL
) {strict};
CREATE INDEX mta_sts_expires ON mta_sts (expires);

-- Senders whose address is too long to stand within one of ours (long_sender.py).
CREATE TABLE long_sender (
    word TEXT PRIMARY KEY,
    sender TEXT NOT NULL,
    until {int} NOT NULL          -- then no report can come any more
) {strict};
CREATE INDEX long_sender_until ON long_sender (until);
