import test, { type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import type { KeyPair } from '../../../src/crypto/keys.js'
import { answerOf, type Outcome } from '../../../src/protocol/operations.js'
import type { ChallengeView } from '../../../src/protocol/views.js'
import type { TestNetwork } from '../network.js'
import { fakeAnswer, smallNetwork } from '../network.js'
import { accepted, refused } from './refused.js'
import { closeAfter } from '../../helpers/close-after.js'

/** A network with an open challenge, and its pinner. */
function challenged(t: TestContext): { network: TestNetwork; pinner: KeyPair; challenge: ChallengeView } {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
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

test('an answer has at least one challenge, of its sender, that is open', (t) => {
  const { network, pinner, challenge } = challenged(t)
  const none = answerOf([])
  refused(network, pinner, { kind: 'answer', body: none.body }, 'ANSWER_EMPTY', none.detail)
  const { id } = challenge
  const { body, detail } = answerOf([fakeAnswer(challenge)])
  const other = [...network.identities.values()].find(
    ({ publicKey }) =>
      !publicKey.equals(pinner.publicKey) &&
      network.ledger.account(publicKey).roles.some(({ role }) => role === 'pinner')
  )
  refused(network, other!, { kind: 'answer', body }, 'CHALLENGE_NOT_OPEN', detail)
  refused(network, network.supporter, { kind: 'answer', body }, 'ROLE_UNKNOWN', detail)
  const unknown = answerOf([{ ...fakeAnswer(challenge), challenge: id + 1_000 }])
  refused(network, pinner, { kind: 'answer', body: unknown.body }, 'CHALLENGE_NOT_OPEN', unknown.detail)
  accepted(network, pinner, { kind: 'answer', body }, detail)
  refused(network, pinner, { kind: 'answer', body }, 'CHALLENGE_NOT_OPEN', detail)
})

test('a challenge is settled once it is answered, once, and by the chain alone', (t) => {
  const { network, pinner, challenge } = challenged(t)
  const { id } = challenge
  const settle = (outcome: Outcome): Parameters<typeof refused>[2] => {
    return { kind: 'settle', body: { items: [{ challenge: id, outcome }] } }
  }
  refused(network, network.chain, settle('success'), 'CHALLENGE_NOT_OPEN')
  const { body, detail } = answerOf([fakeAnswer(challenge)])
  accepted(network, pinner, { kind: 'answer', body }, detail)
  const [waiting] = network.ledger.answered()
  const { state, evidence } = fakeAnswer(challenge)
  assert.deepEqual([waiting?.answer, waiting?.evidence], [state, evidence])
  refused(network, pinner, settle('success'), 'NOT_THE_CHAIN')
  accepted(network, network.chain, settle('success'))
  refused(network, network.chain, settle('success'), 'CHALLENGE_NOT_OPEN')
})
