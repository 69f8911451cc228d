import assert from 'node:assert/strict'
import test from 'node:test'
import type { CopyView } from '../../src/protocol/views.js'
import { Absence, PINNERS } from './absent.js'
import { DEPOSIT, identity } from './network.js'

test('a pinner that is away for a while loses nothing: its copy answers a longer walk, and is paid from its return on', (t) => {
  const of = new Absence(t)
  const { pinner, copy } = of.someone
  const from = of.network.ledger.length()
  of.leave(pinner)
  of.until(() => of.role(pinner).awaySince !== null, 'it is away')
  of.play(10)
  assert.ok(of.outcomes(copy.id, from).every(({ outcome, paid }) => outcome === 'offline' && paid === 0n))
  assert.deepEqual([of.copy(copy.id).score, of.role(pinner).deposit], [copy.score, DEPOSIT])
  assert.notEqual(of.copy(copy.id).missedSince, null)
  of.back()
  const returned = of.network.ledger.length()
  assert.equal(of.sayBack(pinner), 'ok')
  assert.equal(of.walk(pinner, copy.id), 5 * 8)
  of.network.work()
  assert.deepEqual(of.outcomes(copy.id, returned), [{ outcome: 'success', paid: 0n }])
  assert.equal(of.copy(copy.id).missedSince, null)
  of.play(35)
  const after = of.outcomes(copy.id, returned)
  assert.ok(after.slice(1).some(({ paid }) => paid > 0n))
  assert.deepEqual([of.role(pinner).deposit, of.role(pinner).awaySince], [DEPOSIT, null])
  assert.deepEqual(of.effects('missing', from), [])
})

test('the walk at a return is drawn by a round that nobody had seen when its pinner came back', (t) => {
  const of = new Absence(t)
  const { pinner, copy } = of.someone
  of.leave(pinner)
  of.until(() => of.role(pinner).awaySince !== null, 'it is away')
  // Long enough that the walk may be asked at once.
  of.until(() => of.network.ledger.challenges(pinner.publicKey).length === 0, 'it is asked for nothing')
  const returned = of.network.ledger.length()
  const { round } = of.network.ledger.state.head
  assert.equal(of.sayBack(pinner), 'ok')
  assert.deepEqual(of.effects('challenged', returned), [])
  of.walk(pinner, copy.id)
  const asked = of.effects('challenged', returned).filter((effect) => effect.copy === copy.id)
  assert.ok(asked.length > 0)
  assert.ok(asked.every((effect) => effect.round > round))
})

test('nothing of the time in which a pinner was away is ever paid, to none of its copies', (t) => {
  const of = new Absence(t)
  const { pinner } = of.someone
  const paidAnEpoch = of.effects('settled').reduce((most, { paid }) => (paid > most ? paid : most), 0n)
  of.leave(pinner)
  of.until(() => of.role(pinner).awaySince !== null, 'it is away')
  of.play(20)
  of.back()
  const returned = of.network.ledger.length()
  const own = new Set(
    of.copies.filter((copy) => copy.pinner && pinner.publicKey.equals(copy.pinner)).map(({ id }) => id)
  )
  of.play(20)
  for (const { copy, paid } of of.effects('settled', returned)) {
    if (own.has(copy)) assert.ok(paid <= paidAnEpoch * 2n, `${paid}, an epoch comes to ${paidAnEpoch}`)
  }
})

test('who is silent about a challenge while something else of it comes has failed', (t) => {
  const of = new Absence(t)
  const { pinner } = of.someone
  const { ledger } = of.network
  of.leave(pinner)
  let open = ledger.challenges(pinner.publicKey)
  for (let n = 0; n < 40 && open.length === 0; n++) {
    of.play(1)
    open = ledger.challenges(pinner.publicKey)
  }
  const [challenge] = open
  const from = ledger.length()
  // Whatever it is: here a gift.
  of.network.send(pinner, { kind: 'transfer', body: { to: of.network.supporter.publicKey, amount: 1n } })
  of.play(5)
  assert.deepEqual(
    of.outcomes(challenge!.copy, from).map(({ outcome }) => outcome),
    ['failure']
  )
  assert.equal(of.copy(challenge!.copy).score, ledger.parameters().failureForgivenBy)
  assert.equal(of.copy(challenge!.copy).missedSince, null)
})

test('an answer without a challenge is taken of who was away, and of nobody else', (t) => {
  const of = new Absence(t)
  const { pinner } = of.someone
  assert.equal(of.sayBack(pinner), 'ANSWER_EMPTY')
  of.leave(pinner)
  of.until(() => of.role(pinner).awaySince !== null, 'it is away')
  assert.equal(of.sayBack(pinner), 'ok')
  assert.equal(of.role(pinner).awaySince, null)
  assert.equal(of.sayBack(pinner), 'ANSWER_EMPTY')
})

test('what is missed for too long is made elsewhere at its pinner’s cost; back before that, the task ends and its signer is paid', (t) => {
  const of = new Absence(t)
  const { pinner, copy } = of.someone
  of.leave(pinner)
  const pending = (): CopyView | undefined =>
    of.network.ledger.hypercore(copy.hypercore)!.copies.find(({ task }) => task?.state === 'delivering')
  of.until(() => pending() !== undefined, 'another copy is being made', false)
  const [missing] = of.effects('missing').filter((effect) => effect.copy === copy.id)
  assert.ok(missing!.taken > 0n)
  assert.equal(of.role(pinner).deposit < DEPOSIT, true)
  const instead = pending()!.id
  of.back()
  assert.equal(of.sayBack(pinner), 'ok')
  assert.equal(of.walk(pinner, copy.id), Math.ceil(copy.bytes / 1_024))
  of.network.answer(pinner)
  of.network.settle()
  of.play(1, false)
  assert.equal(of.copy(instead).state, 'released')
  const withdrawn = of.effects('withdrawn').find((effect) => effect.copy === instead)!
  assert.ok(withdrawn.paid > 0n && withdrawn.paid <= missing!.taken)
  assert.deepEqual(
    [of.copy(copy.id).state, of.copy(copy.id).goneSince, of.copy(copy.id).unpaidUntil],
    ['active', null, null]
  )
  // What was taken of the lock is locked again.
  assert.equal(of.role(pinner).shortCopies, 0)
  assert.equal(of.network.ledger.summary().sum, 0n)
})

test('back after its substitute is there, both are kept, the best are paid, and after a while one too many is released without penalty', (t) => {
  const of = new Absence(t)
  const { pinner, copy } = of.someone
  const held = (): CopyView[] =>
    of.network.ledger.hypercore(copy.hypercore)!.copies.filter(({ state }) => state === 'active')
  of.leave(pinner)
  of.until(() => held().length === 3, 'a substitute is there')
  of.back()
  assert.equal(of.sayBack(pinner), 'ok')
  const from = of.network.ledger.length()
  of.until(() => of.effects('regained', from).some((effect) => effect.copy === copy.id), 'it counts again')
  assert.notEqual(of.copy(copy.id).unpaidUntil, null)
  assert.equal(of.network.ledger.hypercore(copy.hypercore)!.wanted, 2)
  of.play(10)
  assert.ok(of.outcomes(copy.id, from).every(({ paid }) => paid === 0n))
  const deposit = of.role(pinner).deposit
  of.until(() => held().length === 2, 'one is released')
  assert.equal(of.role(pinner).deposit, deposit)
  assert.deepEqual(of.effects('lost', from), [])
  assert.equal(of.effects('drawn', from).length, 0, 'nobody was drawn while there was one too many')
})

test('a copy that is missed for longer than offlineMaxMs is lost with its whole lock, and a pinner that was never asked for the others too', (t) => {
  const of = new Absence(t)
  const { pinner, copy } = of.someone
  of.leave(pinner)
  of.until(() => of.copy(copy.id).state === 'lost', 'it is lost')
  const own = of.copies.filter(({ pinner: by }) => by && pinner.publicKey.equals(by))
  assert.deepEqual(own, [])
  assert.deepEqual([of.role(pinner).locked, of.role(pinner).shortCopies], [0n, 0])
  assert.ok(of.role(pinner).deposit < DEPOSIT)
  of.play(20)
  for (const key of of.keys) {
    const { copies, wanted } = of.network.ledger.hypercore(key)!
    assert.equal(copies.filter(({ state }) => state === 'active').length, wanted)
  }
  // Back without anything: it can be drawn again.
  of.back()
  assert.equal(of.sayBack(pinner), 'ok')
  assert.equal(of.role(pinner).awaySince, null)
})

test('while over a third of what is held is away nobody is replaced, but no longer than massOutageMs', (t) => {
  const of = new Absence(t, { massOutageMs: 5_000 })
  const holders = PINNERS.map(identity).filter(({ publicKey }) =>
    of.copies.some(({ pinner }) => pinner && publicKey.equals(pinner))
  )
  for (const pinner of holders) of.leave(pinner)
  const from = of.network.ledger.length()
  of.until(() => holders.every((pinner) => of.role(pinner).awaySince !== null), 'all are away')
  const since = Math.min(...holders.map((pinner) => of.role(pinner).awaySince!))
  of.until(() => of.effects('missing', from).length > 0, 'they are replaced in the end')
  assert.ok(of.network.clock >= since + 4_000 + 5_000, `${of.network.clock - since} ms`)
})

test('a pinner that comes and goes is asked for what it missed once an epoch, not each time that it is heard of', (t) => {
  const of = new Absence(t)
  const { pinner, copy } = of.someone
  of.leave(pinner)
  of.until(() => of.copy(copy.id).missedSince !== null, 'it missed one')
  let asked = 0
  const from = of.network.ledger.length()
  for (let n = 0; n < 30; n++) {
    of.play(1)
    of.sayBack(pinner)
  }
  asked = of.effects('challenged', from).filter((effect) => effect.copy === copy.id).length
  // Three epochs: one a slot, one a return.
  assert.ok(asked <= 8, `${asked}`)
})
