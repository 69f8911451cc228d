/**
 * The ledger's tables, one string a migration; `user_version` counts those that were applied. Integers only.
 * Table `head` has one row: where the log and the state stand.
 */
export const migrations: readonly string[] = [
  `
CREATE TABLE entries (
  seq INTEGER PRIMARY KEY CHECK (seq >= 0),
  at INTEGER NOT NULL,
  clock INTEGER NOT NULL,
  arrived INTEGER,
  rules INTEGER NOT NULL,
  operation BLOB NOT NULL,
  effects_hash BLOB NOT NULL CHECK (length(effects_hash) = 32),
  hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
-- Entries that operations may name.
CREATE TABLE anchors (
  seq INTEGER PRIMARY KEY,
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  clock INTEGER NOT NULL
) STRICT;
CREATE TABLE details (seq INTEGER PRIMARY KEY REFERENCES entries, bytes BLOB NOT NULL) STRICT;
CREATE TABLE effects (seq INTEGER PRIMARY KEY REFERENCES entries, bytes BLOB NOT NULL) STRICT;

CREATE TABLE head (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  length INTEGER NOT NULL,
  hash BLOB NOT NULL,
  at INTEGER NOT NULL,
  clock INTEGER NOT NULL,
  heard INTEGER NOT NULL DEFAULT 0,
  tick_clock INTEGER NOT NULL DEFAULT 0,
  round INTEGER NOT NULL,
  base_round INTEGER NOT NULL DEFAULT 0,
  base_clock INTEGER NOT NULL DEFAULT 0,
  beacon BLOB NOT NULL,
  onion_left INTEGER NOT NULL,
  onion_length INTEGER NOT NULL,
  next_onion BLOB,
  epoch INTEGER NOT NULL,
  draw_round INTEGER,
  turn INTEGER NOT NULL,
  parameters BLOB NOT NULL,
  next_copy INTEGER NOT NULL,
  next_task INTEGER NOT NULL,
  next_draw INTEGER NOT NULL,
  next_challenge INTEGER NOT NULL
) STRICT;
-- clock: when the value was shown
CREATE TABLE rounds (
  round INTEGER PRIMARY KEY,
  value BLOB NOT NULL CHECK (length(value) = 32),
  clock INTEGER NOT NULL
) STRICT;

-- kind: 0 issued, 1 minted, 2 burned, 3 reserved, 4 wallet, 5 hypercore, 6 deposit (key: role byte and owner)
CREATE TABLE accounts (
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 6),
  key BLOB NOT NULL,
  balance INTEGER NOT NULL DEFAULT 0 CHECK (kind < 2 OR balance >= 0),
  archived INTEGER NOT NULL DEFAULT 0,
  nonce INTEGER NOT NULL DEFAULT 0 CHECK (nonce >= 0),
  UNIQUE (kind, key)
) STRICT;
CREATE TABLE postings (
  seq INTEGER NOT NULL REFERENCES entries,
  account INTEGER NOT NULL REFERENCES accounts,
  change INTEGER NOT NULL,
  PRIMARY KEY (seq, account)
) STRICT, WITHOUT ROWID;

-- role: 0 signer, 1 pinner, 2 verifier; state: 0 active, 1 retiring, 2 retired; weight, room, backing, trust: what draws see of it, which is
-- not what it has now while draws are frozen; payout: the wallet that its rewards and its deposit go to; stale: it would be something else if it were frozen now
CREATE TABLE roles (
  id INTEGER PRIMARY KEY,
  wallet INTEGER NOT NULL REFERENCES accounts,
  role INTEGER NOT NULL CHECK (role BETWEEN 0 AND 2),
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
  capacity INTEGER NOT NULL CHECK (capacity >= 0),
  used INTEGER NOT NULL DEFAULT 0 CHECK (used >= 0),
  account INTEGER NOT NULL REFERENCES accounts,
  payout INTEGER NOT NULL REFERENCES accounts,
  locked INTEGER NOT NULL DEFAULT 0 CHECK (locked >= 0),
  round INTEGER NOT NULL,
  aged INTEGER NOT NULL DEFAULT 0 CHECK (aged IN (0, 1)),
  alpha INTEGER NOT NULL,
  beta INTEGER NOT NULL,
  alpha2 INTEGER NOT NULL,
  beta2 INTEGER NOT NULL,
  quality INTEGER NOT NULL CHECK (quality BETWEEN 0 AND 1024),
  refund_clock INTEGER,
  drift_clock INTEGER NOT NULL,
  barred_until INTEGER,
  failed INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0),
  failed_until INTEGER NOT NULL DEFAULT 0,
  -- pinner: since when nothing was heard of it while it was asked, and when it was last asked in vain; when that is looked at again
  away_since INTEGER,
  away_at INTEGER,
  away_due INTEGER,
  -- epoch in which it was heard of again; copies of which less is locked than should be
  back_epoch INTEGER NOT NULL DEFAULT 0,
  short INTEGER NOT NULL DEFAULT 0 CHECK (short >= 0),
  -- pinner: its last pause, and the epoch in which that is looked at, until it is over
  pause_epoch INTEGER,
  pause_epochs INTEGER,
  pause_due INTEGER,
  weight INTEGER NOT NULL DEFAULT 0 CHECK (weight >= 0),
  room INTEGER NOT NULL DEFAULT 0,
  backing INTEGER NOT NULL DEFAULT 0,
  trust INTEGER NOT NULL DEFAULT 0,
  stale INTEGER NOT NULL DEFAULT 0 CHECK (stale IN (0, 1)),
  UNIQUE (wallet, role)
) STRICT;
CREATE INDEX roles_stale ON roles (role, id) WHERE stale = 1;
CREATE INDEX roles_young ON roles (round, id) WHERE aged = 0;
CREATE INDEX roles_drifting ON roles (drift_clock, id) WHERE state < 2;
CREATE INDEX roles_leaving ON roles (id) WHERE state = 1;
CREATE INDEX roles_away ON roles (away_since, id) WHERE away_since IS NOT NULL;
CREATE INDEX roles_away_due ON roles (away_due, id) WHERE away_due IS NOT NULL;
CREATE INDEX roles_holding ON roles (locked) WHERE role = 1 AND locked > 0;
CREATE INDEX roles_pausing ON roles (pause_due, id) WHERE pause_due IS NOT NULL;
CREATE INDEX roles_barred ON roles (barred_until, id) WHERE barred_until IS NOT NULL;
-- epochs in which pinners are away as they said before
CREATE TABLE pauses (
  pinner INTEGER NOT NULL REFERENCES roles,
  epoch INTEGER NOT NULL,
  epochs INTEGER NOT NULL CHECK (epochs > 0),
  PRIMARY KEY (pinner, epoch)
) STRICT, WITHOUT ROWID;

-- state: 0 active, 1 grace, 2 lapsed
CREATE TABLE hypercores (
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE CHECK (length(key) = 32),
  account INTEGER NOT NULL REFERENCES accounts,
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
  grace_until INTEGER,
  -- lapsed: whether that is since nobody served it, not since nobody paid
  unserved INTEGER NOT NULL DEFAULT 0 CHECK (unserved IN (0, 1)),
  fork INTEGER NOT NULL,
  length INTEGER NOT NULL CHECK (length >= 0),
  byte_length INTEGER NOT NULL CHECK (byte_length >= 0),
  tree_hash BLOB NOT NULL CHECK (length(tree_hash) = 32),
  manifest BLOB NOT NULL,
  signature BLOB NOT NULL,
  topic BLOB NOT NULL CHECK (length(topic) = 32),
  refresh_after_ms INTEGER NOT NULL DEFAULT 0,
  codec INTEGER NOT NULL CHECK (codec BETWEEN 0 AND 1),
  every INTEGER NOT NULL CHECK (every > 0),
  steps INTEGER NOT NULL CHECK (steps > 0),
  copies INTEGER NOT NULL,
  target_ppm INTEGER NOT NULL,
  max_bytes INTEGER NOT NULL,
  grown_clock INTEGER NOT NULL,
  turn INTEGER NOT NULL DEFAULT 0,
  -- what there was when the author first took some away, and when: measured against it for as long as evidence is public
  whole_length INTEGER,
  whole_bytes INTEGER,
  whole_clock INTEGER,
  -- a fork that waits, since when
  seen_fork INTEGER,
  seen_clock INTEGER,
  -- since when the author is known to have signed two trees of one fork and length
  conflict_clock INTEGER,
  -- since when it has more copies than are wanted, as one came back, and when that is looked at
  surplus_since INTEGER,
  surplus_due INTEGER
) STRICT;
CREATE INDEX hypercores_in_grace ON hypercores (grace_until, id) WHERE state = 1;
CREATE INDEX hypercores_in_surplus ON hypercores (surplus_due, id) WHERE surplus_due IS NOT NULL;
CREATE TABLE sponsors (
  hypercore INTEGER NOT NULL REFERENCES hypercores,
  wallet INTEGER NOT NULL REFERENCES accounts,
  PRIMARY KEY (hypercore, wallet)
) STRICT, WITHOUT ROWID;

-- state: 0 pending, 1 active, 2 lost, 3 released. predecessor: the copy that it takes over from
CREATE TABLE copies (
  id INTEGER PRIMARY KEY,
  hypercore INTEGER NOT NULL REFERENCES hypercores,
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
  pinner INTEGER REFERENCES roles,
  predecessor INTEGER REFERENCES copies,
  length INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  segments INTEGER NOT NULL DEFAULT 0,
  unpaid INTEGER NOT NULL DEFAULT 0,
  locked INTEGER NOT NULL DEFAULT 0 CHECK (locked >= 0),
  every INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  round INTEGER NOT NULL DEFAULT 0,
  storage_epoch INTEGER NOT NULL DEFAULT 0,
  retrieval_epoch INTEGER NOT NULL DEFAULT 0,
  score INTEGER NOT NULL DEFAULT 0 CHECK (score >= 0),
  unpaid_from INTEGER,
  -- first blocks of it that its hypercore has too, while it is of a fork before that one
  kept INTEGER,
  -- when the first challenge was asked that it missed, of those since a walk was passed; and from when on its pinner is asked when it is heard of
  missed_since INTEGER,
  walk_from INTEGER NOT NULL DEFAULT 0,
  -- since when it does not count, so that another is made
  gone_since INTEGER,
  -- it came back beside its substitute, and is not paid before
  unpaid_until INTEGER,
  -- less is locked for it than should be
  short INTEGER NOT NULL DEFAULT 0 CHECK (short IN (0, 1)),
  CHECK ((state = 0) = (segments = 0) OR state > 1),
  CHECK (state <> 1 OR pinner IS NOT NULL)
) STRICT;
CREATE INDEX copies_by_hypercore ON copies (hypercore, id) WHERE state < 2;
CREATE UNIQUE INDEX copies_apart ON copies (hypercore, pinner) WHERE state < 2 AND pinner IS NOT NULL;
CREATE INDEX copies_by_pinner ON copies (pinner, id) WHERE state < 2;
CREATE INDEX copies_missed ON copies (pinner, id) WHERE state = 1 AND missed_since IS NOT NULL;
CREATE INDEX copies_counted ON copies (pinner, id) WHERE state = 1 AND gone_since IS NULL;
CREATE INDEX copies_by_bucket ON copies (every, bucket, id) WHERE state = 1;
CREATE INDEX copies_by_predecessor ON copies (predecessor) WHERE predecessor IS NOT NULL;

CREATE TABLE segments (
  copy INTEGER NOT NULL REFERENCES copies,
  segment INTEGER NOT NULL,
  signer INTEGER NOT NULL REFERENCES roles,
  -- its signer's key when it signed: the segment's id is made with it
  signer_key BLOB NOT NULL CHECK (length(signer_key) = 32),
  draw INTEGER NOT NULL,
  fork INTEGER NOT NULL,
  codec INTEGER NOT NULL,
  version INTEGER NOT NULL,
  start INTEGER NOT NULL,
  end INTEGER NOT NULL CHECK (end > start),
  public_key BLOB NOT NULL,
  prime_proof BLOB NOT NULL,
  salt BLOB NOT NULL,
  bytes INTEGER NOT NULL CHECK (bytes > 0),
  root BLOB NOT NULL CHECK (length(root) = 32),
  tree_hash BLOB NOT NULL,
  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
  reserved INTEGER NOT NULL CHECK (reserved >= 0),
  round INTEGER NOT NULL,
  locked INTEGER NOT NULL CHECK (locked >= 0),
  unlock_clock INTEGER NOT NULL,
  -- the author's signature and byte length at \`end\`; null where the segment ends before what was signed
  signature BLOB,
  byte_length INTEGER,
  -- when a fresh signer is to encode it again; null: never, or not any more
  renew_clock INTEGER,
  -- number of the segment of this copy that took its place
  replaced_by INTEGER,
  PRIMARY KEY (copy, segment)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX segments_unique_modulus ON segments (public_key) WHERE codec = 1;
CREATE INDEX segments_locked ON segments (unlock_clock, copy, segment) WHERE locked > 0;
CREATE INDEX segments_backed ON segments (signer) WHERE locked > 0;
CREATE INDEX segments_by_renewal ON segments (renew_clock, copy, segment) WHERE renew_clock IS NOT NULL;

-- who says to know a factor, since which entry and round
CREATE TABLE factor_commitments (
  wallet INTEGER NOT NULL REFERENCES accounts,
  commitment BLOB NOT NULL CHECK (length(commitment) = 32),
  seq INTEGER NOT NULL,
  round INTEGER NOT NULL,
  PRIMARY KEY (wallet, commitment)
) STRICT, WITHOUT ROWID;
CREATE INDEX factor_commitments_by_round ON factor_commitments (round, wallet, commitment);
-- bounties of convicted segments until they are paid: to whom, since which entry it has a claim, and what of RESERVED
CREATE TABLE bounties (
  segment BLOB PRIMARY KEY CHECK (length(segment) = 32),
  wallet INTEGER NOT NULL REFERENCES accounts,
  since INTEGER NOT NULL,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  round INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX bounties_by_round ON bounties (round, segment);

-- who is not drawn for a copy any more: it declined, was silent or did not deliver
CREATE TABLE passed (
  copy INTEGER NOT NULL REFERENCES copies,
  wallet INTEGER NOT NULL REFERENCES accounts,
  PRIMARY KEY (copy, wallet)
) STRICT, WITHOUT ROWID;

-- state: 0 resting until its round, 1 wanted, 2 frozen for the next draws, 3 asked, 4 delivering, 5 late, 6 delivered.
-- A task without a pinner is drawn one; one with a pinner and without a signer, a signer.
CREATE TABLE tasks (
  id INTEGER PRIMARY KEY,
  copy INTEGER NOT NULL UNIQUE REFERENCES copies,
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
  fork INTEGER NOT NULL,
  start INTEGER NOT NULL,
  end INTEGER NOT NULL CHECK (end > start),
  tree_hash BLOB NOT NULL,
  signature BLOB NOT NULL,
  byte_length INTEGER NOT NULL,
  round INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  unserved INTEGER NOT NULL DEFAULT 0,
  sought INTEGER NOT NULL DEFAULT 0 CHECK (sought IN (0, 1)),
  draw INTEGER,
  pinner INTEGER REFERENCES roles,
  signer INTEGER REFERENCES roles,
  deadline INTEGER,
  bytes INTEGER NOT NULL DEFAULT 0,
  reserved INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),
  locked INTEGER NOT NULL DEFAULT 0 CHECK (locked >= 0),
  delivered BLOB,
  -- whether it encodes again what the copy has: 1 by another signer, 2 as one segment, 3 as its author has rewritten it
  renewal INTEGER NOT NULL DEFAULT 0 CHECK (renewal BETWEEN 0 AND 3),
  -- why it is not done yet, as taskTroubles has it, and whose doing that was
  trouble INTEGER CHECK (trouble BETWEEN 0 AND 10),
  troubled_by INTEGER REFERENCES roles
) STRICT;
CREATE INDEX tasks_resting ON tasks (round, id) WHERE state = 0;
CREATE INDEX tasks_wanted ON tasks (turn, id) WHERE state = 1;
CREATE INDEX tasks_frozen ON tasks (turn, id) WHERE state = 2;
CREATE INDEX tasks_by_deadline ON tasks (deadline, id) WHERE state > 2;
CREATE INDEX tasks_by_pinner ON tasks (pinner) WHERE pinner IS NOT NULL;
CREATE INDEX tasks_by_signer ON tasks (signer) WHERE signer IS NOT NULL;
CREATE INDEX tasks_by_draw ON tasks (draw) WHERE draw IS NOT NULL;

CREATE TABLE draws (
  id INTEGER PRIMARY KEY,
  task INTEGER NOT NULL,
  copy INTEGER NOT NULL REFERENCES copies,
  role INTEGER NOT NULL REFERENCES roles,
  round INTEGER NOT NULL,
  seq INTEGER NOT NULL REFERENCES entries DEFERRABLE INITIALLY DEFERRED
) STRICT;
-- what the draw asked for, as it was when it was refused: the hypercore may grow before the verdict
CREATE TABLE refusals (
  draw INTEGER PRIMARY KEY REFERENCES draws,
  pinner INTEGER NOT NULL REFERENCES roles,
  signer INTEGER NOT NULL REFERENCES roles,
  segment INTEGER NOT NULL,
  fork INTEGER NOT NULL,
  codec INTEGER NOT NULL,
  start INTEGER NOT NULL,
  end INTEGER NOT NULL CHECK (end > start),
  tree_hash BLOB NOT NULL CHECK (length(tree_hash) = 32),
  evidence BLOB NOT NULL CHECK (length(evidence) = 32),
  evidence_by INTEGER NOT NULL,
  deadline INTEGER NOT NULL
) STRICT;
CREATE INDEX refusals_by_deadline ON refusals (deadline, draw);
CREATE INDEX refusals_by_evidence ON refusals (evidence_by, draw);
CREATE INDEX refusals_by_pinner ON refusals (pinner, draw);
CREATE INDEX refusals_by_signer ON refusals (signer, draw);

-- copies that are challenged once in \`every\` epochs, in no order: those in the places before \`waiting\` have still to be drawn in this slot.
-- round: whose value drew last, or draws now; quota: what that has still to draw; lot: how many it has drawn
CREATE TABLE slots (
  every INTEGER PRIMARY KEY,
  copies INTEGER NOT NULL CHECK (copies > 0),
  waiting INTEGER NOT NULL CHECK (waiting BETWEEN 0 AND copies),
  slot INTEGER NOT NULL,
  round INTEGER NOT NULL,
  quota INTEGER NOT NULL CHECK (quota BETWEEN 0 AND waiting),
  lot INTEGER NOT NULL
) STRICT;
CREATE TABLE slot_places (
  every INTEGER NOT NULL,
  place INTEGER NOT NULL,
  copy INTEGER NOT NULL REFERENCES copies,
  PRIMARY KEY (every, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX slot_places_by_copy ON slot_places (copy);
-- drawn by the value of a round, and asked for once fewer challenges of the pinner are open
CREATE TABLE due_copies (
  pinner INTEGER NOT NULL REFERENCES roles,
  round INTEGER NOT NULL,
  copy INTEGER NOT NULL UNIQUE REFERENCES copies,
  PRIMARY KEY (pinner, round, copy)
) STRICT, WITHOUT ROWID;

-- copies of one rate lie in buckets, which retrieval checks draw; and what is still to be done of an epoch
CREATE TABLE buckets (
  every INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  PRIMARY KEY (every, bucket)
) STRICT, WITHOUT ROWID;
-- kind: 1 retrieval checks
CREATE TABLE due (
  kind INTEGER NOT NULL CHECK (kind IN (0, 1)),
  epoch INTEGER NOT NULL,
  every INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  round INTEGER NOT NULL,
  cursor INTEGER NOT NULL,
  PRIMARY KEY (kind, epoch, every, bucket)
) STRICT, WITHOUT ROWID;

-- state: 0 open, 1 answered. asked: when; present: something of its pinner came between that and answer_by
CREATE TABLE challenges (
  id INTEGER PRIMARY KEY,
  copy INTEGER NOT NULL REFERENCES copies,
  pinner INTEGER NOT NULL REFERENCES roles,
  state INTEGER NOT NULL CHECK (state IN (0, 1)),
  epoch INTEGER NOT NULL,
  round INTEGER NOT NULL,
  steps INTEGER NOT NULL,
  segments INTEGER NOT NULL,
  asked INTEGER NOT NULL,
  present INTEGER NOT NULL DEFAULT 0 CHECK (present IN (0, 1)),
  answer_by INTEGER NOT NULL,
  evidence_by INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  answer BLOB,
  evidence BLOB
) STRICT;
CREATE INDEX challenges_by_deadline ON challenges (deadline, id);
CREATE INDEX challenges_by_evidence ON challenges (evidence_by, id) WHERE state = 1;
CREATE INDEX challenges_by_copy ON challenges (copy);
CREATE INDEX challenges_by_pinner ON challenges (pinner, id);
CREATE INDEX challenges_open ON challenges (pinner, id) WHERE state = 0;

-- state: 0 waits for the value of its round, 1 asked for; chance: of being asked for, of 2^32; open_by: null until its pinner has answered
-- something since it was asked for
CREATE TABLE openings (
  challenge INTEGER PRIMARY KEY,
  copy INTEGER NOT NULL UNIQUE REFERENCES copies,
  pinner INTEGER NOT NULL REFERENCES roles,
  segments INTEGER NOT NULL,
  state INTEGER NOT NULL CHECK (state IN (0, 1)),
  round INTEGER NOT NULL,
  chance INTEGER NOT NULL CHECK (chance > 0),
  open_by INTEGER,
  deadline INTEGER,
  missed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX openings_waiting ON openings (round, challenge) WHERE state = 0;
CREATE INDEX openings_asked ON openings (pinner, challenge) WHERE state = 1;
CREATE INDEX openings_by_round ON openings (round);
CREATE INDEX openings_overdue ON openings (open_by, challenge) WHERE open_by IS NOT NULL;
CREATE INDEX openings_by_deadline ON openings (deadline, challenge) WHERE deadline IS NOT NULL;

-- state: 0 verifiers are frozen, 1 reports come in, 2 checks are settled
CREATE TABLE check_epochs (
  epoch INTEGER PRIMARY KEY,
  start_round INTEGER NOT NULL,
  close_round INTEGER NOT NULL,
  settle_round INTEGER NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2)
) STRICT;
CREATE TABLE commitments (
  epoch INTEGER NOT NULL REFERENCES check_epochs,
  verifier INTEGER NOT NULL REFERENCES roles,
  commitment BLOB NOT NULL,
  PRIMARY KEY (epoch, verifier, commitment)
) STRICT, WITHOUT ROWID;
CREATE TABLE reports (
  epoch INTEGER NOT NULL REFERENCES check_epochs,
  copy INTEGER NOT NULL REFERENCES copies,
  verifier INTEGER NOT NULL REFERENCES roles,
  first_byte_us INTEGER NOT NULL,
  bytes_per_second INTEGER NOT NULL,
  misses INTEGER NOT NULL,
  PRIMARY KEY (epoch, copy, verifier)
) STRICT, WITHOUT ROWID;

-- counts of outcomes; kind as in due, outcome as in operations.ts
CREATE TABLE tallies (
  kind INTEGER NOT NULL,
  outcome INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (kind, outcome)
) STRICT, WITHOUT ROWID;
`
]

/** Tables that the state hash covers, with the order of their rows. The log itself has its own hash chain. */
export const stateTables: readonly (readonly [table: string, order: string])[] = [
  ['head', 'id'],
  ['anchors', 'seq'],
  ['rounds', 'round'],
  ['accounts', 'id'],
  ['roles', 'id'],
  ['pauses', 'pinner, epoch'],
  ['hypercores', 'id'],
  ['sponsors', 'hypercore, wallet'],
  ['copies', 'id'],
  ['segments', 'copy, segment'],
  ['factor_commitments', 'wallet, commitment'],
  ['bounties', 'segment'],
  ['passed', 'copy, wallet'],
  ['tasks', 'id'],
  ['draws', 'id'],
  ['refusals', 'draw'],
  ['slots', 'every'],
  ['slot_places', 'every, place'],
  ['due_copies', 'pinner, round, copy'],
  ['buckets', 'every, bucket'],
  ['due', 'kind, epoch, every, bucket'],
  ['challenges', 'id'],
  ['openings', 'challenge'],
  ['check_epochs', 'epoch'],
  ['commitments', 'epoch, verifier, commitment'],
  ['reports', 'epoch, copy, verifier'],
  ['tallies', 'kind, outcome']
]
