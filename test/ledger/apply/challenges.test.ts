import test, { type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import type { KeyPair } from '../../../src/crypto/keys.js'
import { answerOf, settleOf, type Outcome } from '../../../src/protocol/operations.js'
import type { ChallengeView } from '../../../src/protocol/views.js'
import type { TestNetwork } from '../network.js'
import { fakeWalk, smallNetwork } from '../network.js'
import { accepted, refused } from './refused.js'

/** A network with an open challenge, and its pinner. */
function challenged(t: TestContext): { network: TestNetwork; pinner: KeyPair; challenge: ChallengeView } {
  const network = smallNetwork()
  t.after(() => network.close())
  network.sponsor('film')
  for (let n = 0; n < 80; n++) {
    network.tick()
    for (const pinner of network.identities.values()) {
      const [challenge] = network.ledger.challenges(pinner.publicKey)
      if (challenge) return { network, pinner, challenge }
    }
    network.work()
  }
  assert.fail('no challenge came')
}

function lastState(challenge: ChallengeView): Uint8Array {
  return fakeWalk(challenge).states.at(-1)!
}

test('an answer has at least one challenge, of its sender, that is open', (t) => {
  const { network, pinner, challenge } = challenged(t)
  const none = answerOf([])
  refused(network, pinner, { kind: 'answer', body: none.body }, 'ANSWER_EMPTY', none.detail)
  const { id } = challenge
  const { body, detail } = answerOf([{ challenge: id, state: lastState(challenge) }])
  const other = [...network.identities.values()].find(
    ({ publicKey }) =>
      !publicKey.equals(pinner.publicKey) &&
      network.ledger.account(publicKey).roles.some(({ role }) => role === 'pinner')
  )
  refused(network, other!, { kind: 'answer', body }, 'CHALLENGE_NOT_OPEN', detail)
  refused(network, network.supporter, { kind: 'answer', body }, 'ROLE_UNKNOWN', detail)
  const unknown = answerOf([{ challenge: id + 1_000, state: lastState(challenge) }])
  refused(network, pinner, { kind: 'answer', body: unknown.body }, 'CHALLENGE_NOT_OPEN', unknown.detail)
  accepted(network, pinner, { kind: 'answer', body }, detail)
  refused(network, pinner, { kind: 'answer', body }, 'CHALLENGE_NOT_OPEN', detail)
})

test('a challenge is settled once it is answered, once, and as passed only with the state that was answered', (t) => {
  const { network, pinner, challenge } = challenged(t)
  const { id } = challenge
  const settle = (outcome: Outcome, walk = fakeWalk(challenge)): Parameters<typeof refused>[2] => {
    return { kind: 'settle', body: settleOf([{ challenge: id, outcome, walk }]).body }
  }
  const detailOf = (outcome: Outcome, walk = fakeWalk(challenge)): Uint8Array =>
    settleOf([{ challenge: id, outcome, walk }]).detail
  refused(network, network.chain, settle('success'), 'CHALLENGE_NOT_OPEN', detailOf('success'))
  const { body, detail } = answerOf([{ challenge: id, state: lastState(challenge) }])
  accepted(network, pinner, { kind: 'answer', body }, detail)
  const walk = fakeWalk(challenge)
  walk.states[walk.states.length - 1] = Buffer.alloc(32, 1)
  refused(network, network.chain, settle('success', walk), 'SETTLE_MISMATCH', detailOf('success', walk))
  refused(network, pinner, settle('success'), 'NOT_THE_CHAIN', detailOf('success'))
  accepted(network, network.chain, settle('success'), detailOf('success'))
  refused(network, network.chain, settle('success'), 'CHALLENGE_NOT_OPEN', detailOf('success'))
})
