/**
 * Tables of a dashboard's history, one string a migration; `user_version` counts those that were applied. All of it follows from the
 * chain's log, so a file that does not fit is made anew. Times are the chain's date in ms.
 */
export const historyMigrations: readonly string[] = [
  `
-- where the reading of the log stands; began: first entry whose effects were still there; round, value: the last that was shown
CREATE TABLE progress (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  chain BLOB NOT NULL,
  next INTEGER NOT NULL,
  hash BLOB NOT NULL,
  began INTEGER,
  at INTEGER NOT NULL,
  round INTEGER NOT NULL DEFAULT 0,
  value BLOB
) STRICT;
CREATE TABLE keys (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE CHECK (length(key) = 32)) STRICT;
-- who registered, and what was sponsored, whenever that was
CREATE TABLE members (
  id INTEGER PRIMARY KEY,
  key INTEGER NOT NULL REFERENCES keys,
  role INTEGER NOT NULL,
  UNIQUE (key, role)
) STRICT;
CREATE INDEX members_by_role ON members (role, id);
CREATE TABLE hypercores (id INTEGER PRIMARY KEY, key INTEGER NOT NULL UNIQUE REFERENCES keys) STRICT;
CREATE TABLE copies (
  id INTEGER PRIMARY KEY,
  hypercore INTEGER NOT NULL REFERENCES keys,
  pinner INTEGER REFERENCES keys,
  state INTEGER NOT NULL,
  segments INTEGER NOT NULL DEFAULT 0,
  proven_at INTEGER
) STRICT;
CREATE INDEX copies_by_hypercore ON copies (hypercore, id);
CREATE INDEX copies_by_pinner ON copies (pinner, id);

-- outcome: null while it is open; steps: null where it was over before it was read
CREATE TABLE segments (
  copy INTEGER NOT NULL,
  segment INTEGER NOT NULL,
  signer INTEGER NOT NULL REFERENCES keys,
  PRIMARY KEY (copy, segment)
) STRICT, WITHOUT ROWID;
CREATE TABLE supporters (
  hypercore INTEGER NOT NULL REFERENCES keys,
  key INTEGER NOT NULL REFERENCES keys,
  amount INTEGER NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (hypercore, key)
) STRICT, WITHOUT ROWID;
-- when a key was last heard of on the log
CREATE TABLE heard (key INTEGER PRIMARY KEY REFERENCES keys, at INTEGER NOT NULL) STRICT;

CREATE TABLE challenges (
  id INTEGER PRIMARY KEY,
  copy INTEGER NOT NULL,
  pinner INTEGER,
  round INTEGER NOT NULL,
  value BLOB,
  steps INTEGER,
  segments INTEGER NOT NULL,
  issued_seq INTEGER NOT NULL,
  issued_at INTEGER NOT NULL,
  issued_clock INTEGER NOT NULL,
  answered_seq INTEGER,
  answer_ms INTEGER,
  state BLOB,
  evidence BLOB,
  settled_seq INTEGER,
  settled_at INTEGER,
  outcome INTEGER,
  paid INTEGER,
  r INTEGER
) STRICT;
CREATE INDEX challenges_of_copy ON challenges (copy, id);
CREATE INDEX challenges_of_pinner ON challenges (pinner, id);
CREATE INDEX challenges_by_time ON challenges (issued_at);

CREATE TABLE checks (
  id INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  copy INTEGER NOT NULL,
  pinner INTEGER,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  first_byte_us INTEGER NOT NULL,
  bytes_per_second INTEGER NOT NULL,
  misses INTEGER NOT NULL,
  paid INTEGER NOT NULL,
  r INTEGER NOT NULL,
  UNIQUE (copy, epoch)
) STRICT;
CREATE INDEX checks_of_pinner ON checks (pinner, id);
CREATE INDEX checks_by_time ON checks (at);
CREATE TABLE reports (
  epoch INTEGER NOT NULL,
  copy INTEGER NOT NULL,
  verifier INTEGER NOT NULL REFERENCES keys,
  first_byte_us INTEGER NOT NULL,
  bytes_per_second INTEGER NOT NULL,
  misses INTEGER NOT NULL,
  blocks INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (copy, epoch, verifier)
) STRICT, WITHOUT ROWID;
CREATE TABLE commitments (
  epoch INTEGER NOT NULL,
  verifier INTEGER NOT NULL REFERENCES keys,
  commitment BLOB NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (epoch, verifier, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE draws (
  id INTEGER PRIMARY KEY,
  task INTEGER NOT NULL,
  copy INTEGER NOT NULL,
  role INTEGER NOT NULL,
  key INTEGER NOT NULL REFERENCES keys,
  round INTEGER NOT NULL,
  value BLOB,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX draws_of_copy ON draws (copy, id);

-- what people read: ref is the number of a challenge, draw or epoch; amount is in grains, r in parts per million
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  hypercore INTEGER,
  key INTEGER,
  copy INTEGER,
  ref INTEGER,
  amount INTEGER,
  r INTEGER,
  word TEXT
) STRICT;
CREATE INDEX events_of_hypercore ON events (hypercore, id) WHERE hypercore IS NOT NULL;
CREATE INDEX events_of_key ON events (key, id) WHERE key IS NOT NULL;
CREATE INDEX events_by_time ON events (at);

-- Sums of slices of time. subject: 0 the network, 2 * id of a copy + 1, or 2 * id of a key + 2; level: as in SLICE_MS
CREATE TABLE tallies (
  subject INTEGER NOT NULL,
  level INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (subject, level, slot, kind, outcome)
) STRICT, WITHOUT ROWID;
CREATE TABLE sums (
  subject INTEGER NOT NULL,
  level INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  answers INTEGER NOT NULL DEFAULT 0,
  answer_ms INTEGER NOT NULL DEFAULT 0,
  measured INTEGER NOT NULL DEFAULT 0,
  first_byte_us INTEGER NOT NULL DEFAULT 0,
  bytes_per_second INTEGER NOT NULL DEFAULT 0,
  paid INTEGER NOT NULL DEFAULT 0,
  minted INTEGER NOT NULL DEFAULT 0,
  burned INTEGER NOT NULL DEFAULT 0,
  r INTEGER,
  r_low INTEGER,
  PRIMARY KEY (subject, level, slot)
) STRICT, WITHOUT ROWID;
CREATE INDEX tallies_by_slot ON tallies (level, slot);
CREATE INDEX sums_by_slot ON sums (level, slot);

-- How a draw came about, seen while it was made; weights: pairs of u32, number and weight
CREATE TABLE urns (
  draw INTEGER PRIMARY KEY,
  total INTEGER NOT NULL,
  weights BLOB NOT NULL,
  excluded TEXT NOT NULL,
  lots TEXT NOT NULL
) STRICT;
`
]
