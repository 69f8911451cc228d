import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { auditFile } from '../../src/audit/file.js'
import { equal } from '../../src/bytes.js'
import { unservedRounds } from '../../src/ledger/rules/deliveries.js'
import { newReputation, reputationPpm } from '../../src/ledger/rules/reputation.js'
import { parameters, type Parameters } from '../../src/protocol/parameters.js'
import type { AssignmentView, RoleView, TaskView } from '../../src/protocol/views.js'
import { DEPOSIT, TestNetwork, identity, quick } from './network.js'
import { closeAfter } from '../helpers/close-after.js'

const names = ['signer-1', 'signer-2', 'pinner-1', 'pinner-2']
const HALF = reputationPpm(newReputation())

/** Two pairs, and one copy of a hypercore: its signer has said yes. */
class Pairs {
  readonly network: TestNetwork
  readonly key: Buffer
  readonly rules: Parameters

  constructor(t: TestContext, changes: Partial<Parameters> = {}) {
    this.network = new TestNetwork(changes, names)
    this.rules = parameters({ ...quick, ...changes })
    closeAfter(t, () => this.network.close())
    for (const name of names) this.network.register(name, name.split('-')[0] as 'signer')
    this.network.tick(3)
    this.key = this.network.sponsor('film', { copies: 1 })
  }

  get task(): TaskView | null {
    return this.network.ledger.hypercore(this.key)!.copies[0]?.task ?? null
  }

  /** Has the task drawn a pair that both say yes. */
  pair(): AssignmentView {
    for (let n = 0; n < 20_000 && this.task?.state !== 'delivering'; n++) {
      this.network.tick()
      this.network.acknowledge()
      // Who holds something is there, and says so.
      for (const keyPair of this.network.identities.values()) this.network.answer(keyPair)
      this.network.settle()
    }
    const all = names.flatMap((name) => this.network.ledger.assignments(identity(name).publicKey))
    return all.find(({ role }) => role === 'pinner')!
  }

  say(who: Uint8Array, draw: number, reason: 'unreachable' | 'other' = 'unreachable'): string {
    const body = { draw, reason, evidence: null }
    return this.network.code(this.network.keyPair(who), { kind: 'refuse', body })
  }

  role(key: Uint8Array): RoleView {
    return this.network.ledger.account(key).roles[0]!
  }

  deposits(): bigint[] {
    return names.map((name) => this.role(identity(name).publicKey).deposit)
  }

  get burned(): bigint {
    return this.network.ledger.summary().burned
  }
}

test('pinner, then signer find nobody who serves: neither pays or is rated, the hypercore pays and rests', async (t) => {
  const pairs = new Pairs(t)
  const { network, rules, key } = pairs
  const { burned } = pairs
  const before = network.ledger.hypercore(key)!.balance
  for (let times = 1; times <= 3; times++) {
    const { draw, pinner, signer } = pairs.pair()
    assert.equal(pairs.say(pinner, draw), 'ok')
    assert.equal(pairs.task!.state, 'delivering', 'the signer goes on looking')
    assert.deepEqual(pairs.task!.trouble, { what: 'unreachable', by: pinner })
    assert.equal(pairs.say(signer, draw), 'ok')
    const { round } = network.ledger.chain()
    assert.equal(pairs.task!.state, 'resting')
    assert.deepEqual(pairs.task!.trouble, { what: 'unserved', by: null })
    const rest = pairs.task!.round - round
    assert.equal(rest, unservedRounds(times, rules))
  }
  assert.deepEqual(
    pairs.deposits(),
    names.map(() => DEPOSIT)
  )
  for (const name of names) {
    const { reputationPpm, storagePpm } = pairs.role(identity(name).publicKey)
    assert.deepEqual([reputationPpm, storagePpm ?? HALF], [HALF, HALF])
  }
  assert.equal(pairs.burned - burned, 3n * rules.attemptFee)
  assert.equal(before - network.ledger.hypercore(key)!.balance, 3n * rules.attemptFee)
  assert.equal((await auditFile(network.path)).failure, null)
})

test('what the signer says counts only after its pinner said so: else both pay, if the pinner objects, and both are out for the copy', (t) => {
  const pairs = new Pairs(t)
  const { draw, pinner, signer } = pairs.pair()
  assert.equal(pairs.say(signer, draw), 'ok')
  assert.equal(pairs.task!.state, 'refused')
  assert.deepEqual([pairs.role(signer).deposit, pairs.role(pinner).deposit], [DEPOSIT, DEPOSIT])
  assert.equal(pairs.say(pinner, draw), 'NOT_WAITING', 'its word would come after its signer’s')
  assert.equal(pairs.say(signer, draw), 'NOT_WAITING')
  assert.equal(pairs.say(pinner, draw, 'other'), 'ok')
  const fee = pairs.rules.failedFee
  assert.deepEqual([pairs.role(signer).deposit, pairs.role(pinner).deposit], [DEPOSIT - fee, DEPOSIT - fee])
  assert.deepEqual([pairs.role(signer).reputationPpm, pairs.role(pinner).storagePpm], [HALF, HALF])
  assert.equal(pairs.say(pinner, draw), 'DRAW_NOT_OPEN')
  const again = pairs.pair()
  assert.ok(!equal(again.pinner, pinner) && !equal(again.signer, signer))
})

test('a signer that refuses otherwise gets both sides to pay, whatever its pinner said before', (t) => {
  const pairs = new Pairs(t)
  const { draw, pinner, signer } = pairs.pair()
  pairs.say(pinner, draw)
  assert.equal(pairs.say(signer, draw, 'other'), 'ok')
  assert.equal(pairs.say(pinner, draw, 'other'), 'ok')
  const fee = pairs.rules.failedFee
  assert.deepEqual([pairs.role(signer).deposit, pairs.role(pinner).deposit], [DEPOSIT - fee, DEPOSIT - fee])
})

test('a signer that is silent pays alone, and another signer is drawn for the same pinner', (t) => {
  const pairs = new Pairs(t)
  const { draw, pinner, signer } = pairs.pair()
  pairs.say(pinner, draw)
  while (pairs.task!.draw === draw) pairs.network.tick()
  const fee = pairs.rules.failedFee
  assert.deepEqual([pairs.role(signer).deposit, pairs.role(pinner).deposit], [DEPOSIT - fee, DEPOSIT])
  assert.ok(pairs.role(signer).reputationPpm < HALF, 'silence is rated')
  assert.equal(pairs.role(pinner).storagePpm, HALF)
  const again = pairs.pair()
  assert.ok(equal(again.pinner, pinner) && !equal(again.signer, signer))
  assert.equal(pairs.say(pinner, again.draw), 'ok', 'what it said was about the draw before')
})

test('a pinner that says no once its signer has been silent does not pay for it', (t) => {
  const pairs = new Pairs(t)
  const { draw, pinner, signer } = pairs.pair()
  while (pairs.task!.state === 'delivering') pairs.network.tick()
  assert.equal(pairs.task!.state, 'late')
  assert.equal(pairs.say(pinner, draw, 'other'), 'ok')
  const fee = pairs.rules.failedFee
  assert.deepEqual([pairs.role(signer).deposit, pairs.role(pinner).deposit], [DEPOSIT - fee, DEPOSIT])
  assert.deepEqual(pairs.task!.trouble, { what: 'late', by: signer })
})

for (const said of ['delivered', 'refused'] as const) {
  test(`a pinner that is silent when its signer has ${said} pays alone, and its signer may be drawn again`, async (t) => {
    const pairs = new Pairs(t)
    const assignment = pairs.pair()
    const { draw, pinner, signer } = assignment
    if (said === 'delivered') pairs.network.deliver(assignment)
    else assert.equal(pairs.say(signer, draw, 'other'), 'ok')
    assert.equal(pairs.task!.state, said)
    while (pairs.task!.draw === draw) pairs.network.tick()
    const trouble =
      said === 'delivered' ? { what: 'unaccepted', by: pinner } : { what: 'declined', by: signer }
    assert.deepEqual(pairs.task!.trouble, trouble, 'what the signer said stands')
    const fee = pairs.rules.failedFee
    assert.deepEqual([pairs.role(signer).deposit, pairs.role(pinner).deposit], [DEPOSIT, DEPOSIT - fee])
    assert.ok(pairs.role(pinner).storagePpm < HALF, 'silence is rated')
    assert.equal(pairs.role(signer).reputationPpm, HALF)
    assert.equal(pairs.network.ledger.summary().reserved, 0n)
    const again = pairs.pair()
    assert.ok(!equal(again.pinner, pinner))
    const { db } = pairs.network.ledger.state
    assert.equal(db.all('SELECT 1 FROM passed').length, 1, 'the pinner alone is out for the copy')
    assert.equal((await auditFile(pairs.network.path)).failure, null)
  })
}

test('of what a signer delivered before it refused its pinner may take a part, as of one that was late', (t) => {
  const pairs = new Pairs(t)
  const assignment = pairs.pair()
  assert.equal(pairs.say(assignment.signer, assignment.draw, 'other'), 'ok')
  const half = { ...assignment, task: { ...assignment.task, end: assignment.task.end >> 1 } }
  pairs.network.accept(half)
  assert.equal(pairs.network.ledger.hypercore(pairs.key)!.copies[0]!.length, half.task.end)
  assert.deepEqual(
    pairs.deposits(),
    names.map(() => DEPOSIT)
  )
})

test('a pinner that said so pays a fee if the segment comes after all', (t) => {
  const pairs = new Pairs(t)
  const { draw, pinner, signer } = pairs.pair()
  pairs.say(pinner, draw)
  const assignment = pairs.pair()
  pairs.network.deliver(assignment)
  pairs.network.accept(assignment)
  assert.equal(pairs.task, null)
  assert.deepEqual(
    [pairs.role(pinner).deposit, pairs.role(signer).deposit],
    [DEPOSIT - pairs.rules.declineFee, DEPOSIT]
  )
})

test('a pinner says so once, and not when its signer has delivered', (t) => {
  const pairs = new Pairs(t)
  const assignment = pairs.pair()
  assert.equal(pairs.say(assignment.pinner, assignment.draw), 'ok')
  assert.equal(pairs.say(assignment.pinner, assignment.draw), 'UNSERVED_SAID')
  const other = new Pairs(t)
  const late = other.pair()
  other.network.deliver(late)
  assert.equal(other.say(late.pinner, late.draw), 'NOT_WAITING')
  other.network.accept(late)
})

test('a hypercore that nobody serves is given up after so many attempts, with its money', (t) => {
  const pairs = new Pairs(t, { unservedMax: 3 })
  const { network, key } = pairs
  const before = network.ledger.hypercore(key)!.balance
  for (let times = 0; times < 3; times++) {
    assert.equal(network.ledger.hypercore(key)!.state, 'active')
    const { draw, pinner, signer } = pairs.pair()
    pairs.say(pinner, draw)
    pairs.say(signer, draw)
  }
  const { state, balance, unserved } = network.ledger.hypercore(key)!
  assert.deepEqual([state, balance, unserved], ['lapsed', before - 3n * pairs.rules.attemptFee, true])
  network.sponsor('film', { copies: 1 })
  assert.equal(network.ledger.hypercore(key)!.unserved, false, 'sponsored again it waits as a new one')
  assert.equal(network.ledger.summary().reserved, 0n)
})

test('growth that nobody serves gives up nothing that is held', (t) => {
  const pairs = new Pairs(t, { unservedMax: 2, graceEpochs: 1_000, growthBytes: 1 })
  const { network, key } = pairs
  const held = pairs.pair()
  network.deliver(held)
  network.accept(held)
  network.grow('film', 120)
  for (let times = 0; times < 3; times++) {
    const { draw, pinner, signer } = pairs.pair()
    assert.equal(pairs.say(pinner, draw), 'ok')
    assert.equal(pairs.say(signer, draw), 'ok')
    assert.notEqual(network.ledger.hypercore(key)!.state, 'lapsed')
  }
  assert.equal(network.ledger.hypercore(key)!.copies[0]!.state, 'active')
})

test('each end without a delivery in between doubles what a side pays', (t) => {
  const pairs = new Pairs(t)
  const { network, rules } = pairs
  const paid: bigint[] = []
  const before = pairs.deposits()
  for (let n = 0; n < 2; n++) {
    const { draw, pinner } = pairs.pair()
    pairs.say(pinner, draw, 'other')
  }
  network.sponsor('song', { copies: 1 })
  // Both pairs are out for the film; the song is drawn among the same.
  for (let n = 0; n < 200 && paid.length === 0; n++) {
    network.tick()
    network.acknowledge()
    const all = names.flatMap((name) => network.ledger.assignments(identity(name).publicKey))
    const song = all.find(({ role, task }) => role === 'signer' && task.state === 'delivering')
    if (!song) continue
    const deposit = pairs.role(song.signer).deposit
    pairs.say(song.pinner, song.draw, 'other')
    paid.push(deposit - pairs.role(song.signer).deposit)
  }
  assert.deepEqual(paid, [2n * rules.failedFee])
  assert.deepEqual(
    before,
    names.map(() => DEPOSIT)
  )
})
