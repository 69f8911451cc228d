import test, { type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { blake3 } from '../../../src/crypto/hash.js'
import type { KeyPair } from '../../../src/crypto/keys.js'
import { reportCommitment, type Report } from '../../../src/protocol/operations.js'
import { identity, smallNetwork, type TestNetwork } from '../network.js'
import { accepted, refused } from './refused.js'
import { closeAfter } from '../../helpers/close-after.js'

interface Epoch {
  network: TestNetwork
  verifier: KeyPair
  epoch: number
  closeRound: number
  settleRound: number
}

/** A network in an epoch whose copies are checked. */
function checked(t: TestContext): Epoch {
  const network = smallNetwork()
  closeAfter(t, () => network.close())
  network.sponsor('film')
  for (let n = 0; n < 80; n++) {
    network.tick()
    const [found] = network.ledger.checkEpochs()
    if (found && network.ledger.chain().round < found.closeRound) {
      return { network, verifier: identity('verifier-1'), ...found }
    }
    network.work()
  }
  assert.fail('no epoch is checked')
}

const salt = blake3(Buffer.from('salt'))
const report: Report = { copy: 0, firstByteUs: 20_000, bytesPerSecond: 1, misses: 0, blocks: 8, bytes: 8 }

function commitmentOf({ network, verifier, epoch }: Epoch, reports: Report[]): Uint8Array {
  return reportCommitment(network.ledger.chainId, verifier.publicKey, epoch, reports, salt)
}

test('a verifier commits while reports are open, and only so often', (t) => {
  const at = checked(t)
  const { network, verifier, epoch, closeRound } = at
  const commit = (n: number, of = epoch) =>
    ({ kind: 'commitReport', body: { epoch: of, commitment: blake3(Buffer.from([n])) } }) as const
  refused(network, network.supporter, commit(0), 'ROLE_UNKNOWN')
  refused(network, verifier, commit(0, epoch + 1_000), 'REPORTS_CLOSED')
  let made = 0
  while (network.code(verifier, commit(made)) === 'ok') made++
  refused(network, verifier, commit(made), 'TOO_MANY_COMMITMENTS')
  assert.ok(made > 0 && made < 100, `${made} were taken`)
  while (network.ledger.chain().round < closeRound) network.tick()
  refused(network, identity('verifier-2'), commit(0), 'REPORTS_CLOSED')
})

test('a verifier reveals in its time what it committed to', (t) => {
  const at = checked(t)
  const { network, verifier, epoch, closeRound, settleRound } = at
  const reveal = (reports: Report[]) => ({ kind: 'revealReport', body: { epoch, salt, reports } }) as const
  for (const reports of [[report], []]) {
    const commitment = commitmentOf(at, reports)
    accepted(network, verifier, { kind: 'commitReport', body: { epoch, commitment } })
  }
  refused(network, verifier, reveal([report]), 'REVEAL_CLOSED')
  while (network.ledger.chain().round < closeRound) network.tick()
  refused(network, verifier, reveal([{ ...report, misses: 1 }]), 'NOT_COMMITTED')
  refused(network, identity('verifier-2'), reveal([report]), 'NOT_COMMITTED')
  accepted(network, verifier, reveal([report]))
  refused(network, verifier, reveal([report]), 'NOT_COMMITTED')
  while (network.ledger.chain().round < settleRound) network.tick()
  refused(network, verifier, reveal([]), 'REVEAL_CLOSED')
})
