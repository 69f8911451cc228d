/**
 * Child process of killed.ts: opens the ledger that its argument names and writes batches as fast as it can; says on standard output
 * what was acknowledged, one line a batch, until it is killed.
 */
import { anchorAt } from '../../src/protocol/anchor.js'
import { writeSync } from 'node:fs'
import { wallClock } from '../helpers/wall-clock.js'
import { Ledger } from '../../src/ledger/ledger.js'
import { signOperation } from '../../src/protocol/operations.js'
import { identity, killBeacon, killGenesis } from './kill-network.js'
import { toHex } from '../../src/bytes.js'

const path = process.argv[2]!
let at = Number(process.argv[3])
const ledger = Ledger.open({
  path,
  keyPair: identity('chain'),
  beacon: killBeacon(),
  clock: wallClock(() => (at += 60)),
  genesis: killGenesis()
})
const sender = identity('sender')
const to = identity('receiver').publicKey
for (;;) {
  let { nonce } = ledger.account(sender.publicKey)
  const anchor = anchorAt(ledger.chain())
  const wires = Array.from({ length: 20 }, () =>
    signOperation(
      { kind: 'transfer', body: { to, amount: 1n } },
      { chainId: ledger.chainId, keyPair: sender, nonce: nonce++, anchor }
    )
  )
  const results = ledger.submit(wires)
  const last = results.at(-1)!
  if (!last.ok) throw last.error
  const { seq, entry } = last.receipt
  // Synchronous: what was said is with the parent before anything else can happen.
  writeSync(1, `${seq} ${toHex(entry)}\n`)
  ledger.tick()
}
