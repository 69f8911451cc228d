import type { Ledger } from '../../src/ledger/ledger.js'

/** What must never be found in a ledger, as a query for it, by what holds instead. */
const NEVER: Record<string, string> = {
  'all accounts sum to zero': 'SELECT sum(balance) AS sum FROM accounts HAVING sum(balance) <> 0',
  'nobody but those who create has less than nothing':
    'SELECT * FROM accounts WHERE balance < 0 AND kind > 1',
  'nothing is minted that was not burned': `SELECT m.balance FROM accounts m, accounts b
    WHERE m.kind = 1 AND b.kind = 2 AND -m.balance > b.balance`,
  'a pinner holds one live copy of a hypercore': `SELECT hypercore, pinner FROM copies
    WHERE state < 2 AND pinner IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1`,
  'no sponsor pins its hypercore': `SELECT c.id FROM copies c JOIN roles p ON p.id = c.pinner JOIN sponsors s
    ON s.hypercore = c.hypercore AND s.wallet = p.wallet WHERE c.state < 2`,
  'nobody signs and pins the same hypercore': `SELECT c.id FROM copies c JOIN roles p ON p.id = c.pinner
    JOIN copies o ON o.hypercore = c.hypercore AND o.state < 2 JOIN segments s ON s.copy = o.id AND s.replaced_by IS NULL
    JOIN roles r ON r.id = s.signer WHERE c.state < 2 AND r.wallet = p.wallet`,
  'nobody signs two live copies of a hypercore': `SELECT a.copy FROM segments a JOIN copies ca ON ca.id = a.copy AND ca.state < 2
    JOIN segments b ON b.signer = a.signer AND b.copy <> a.copy AND a.replaced_by IS NULL AND b.replaced_by IS NULL
    JOIN copies cb ON cb.id = b.copy AND cb.state < 2 AND cb.hypercore = ca.hypercore`,
  'what is reserved is what tasks, segments and bounties say': `SELECT 1 FROM accounts WHERE id = 4 AND balance <>
    (SELECT coalesce(sum(reserved), 0) FROM tasks) + (SELECT coalesce(sum(reserved), 0) FROM segments) +
    (SELECT coalesce(sum(amount), 0) FROM bounties)`,
  'what is locked is what copies, tasks and segments say': `SELECT r.id, r.locked FROM roles r WHERE r.locked <>
    (SELECT coalesce(sum(locked), 0) FROM copies c WHERE c.pinner = r.id AND c.state < 2) +
    (SELECT coalesce(sum(locked), 0) FROM tasks t WHERE t.signer = r.id) +
    (SELECT coalesce(sum(locked), 0) FROM segments s WHERE s.signer = r.id)`,
  'nothing is locked for segments of a copy that is gone': `SELECT s.copy FROM segments s JOIN copies c ON c.id = s.copy
    WHERE s.locked > 0 AND c.state > 1`,
  'what is locked is covered by the deposit':
    'SELECT r.id FROM roles r JOIN accounts a ON a.id = r.account WHERE r.locked > a.balance',
  // A newer fork may be shorter than what it has replaced.
  'a live copy is as long as its segments': `SELECT id FROM copies WHERE state < 2
    AND length <> (SELECT coalesce(max(end), 0) FROM segments WHERE copy = copies.id AND replaced_by IS NULL)`,
  'the bytes of a live copy are those of its segments': `SELECT id FROM copies WHERE state < 2
    AND bytes <> (SELECT coalesce(sum(bytes), 0) FROM segments WHERE copy = copies.id AND replaced_by IS NULL)`,
  'a live copy has 40 segments at most that end where its author signed': `SELECT c.id FROM copies c JOIN segments s ON s.copy = c.id
    AND s.replaced_by IS NULL AND s.signature IS NOT NULL WHERE c.state < 2 GROUP BY c.id HAVING count(*) > 40`,
  'a copy has one open challenge': 'SELECT copy FROM challenges GROUP BY copy HAVING count(*) > 1',
  'nobody is challenged for a copy that is gone': `SELECT o.id FROM challenges o JOIN copies c ON c.id = o.copy
    WHERE c.state <> 1`,
  'a copy has one open task': 'SELECT copy FROM tasks GROUP BY copy HAVING count(*) > 1'
}

/** Which of what always holds does not hold now. */
export function brokenIn({ state: { db } }: Pick<Ledger, 'state'>): string[] {
  return Object.keys(NEVER).filter((name) => db.all(NEVER[name]!).length > 0)
}
