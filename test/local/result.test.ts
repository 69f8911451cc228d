import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encode } from 'hypercore-id-encoding'
import { summaryJson, summaryText } from '../../src/cli/summary.js'
import { summarise, type Findings } from '../../src/local/result.js'
import { TestNetwork, identity, quick } from '../ledger/network.js'
import { parameters } from '../../src/protocol/parameters.js'
import { closeAfter } from '../helpers/close-after.js'

test('why a run does not hold is said with codes, and of whom, in text and as JSON', async (t) => {
  const names = ['signer-1', 'pinner-1']
  const network = new TestNetwork({}, names)
  closeAfter(t, () => network.close())
  for (const name of names) network.register(name, name.split('-')[0] as 'signer')
  network.tick(3)
  const key = network.sponsor('film', { copies: 1 })
  for (let n = 0; n < 20 && network.ledger.hypercore(key)!.copies[0]!.state === 'pending'; n++) {
    network.tick()
    network.acknowledge()
    for (const of of network.ledger.assignments(identity('pinner-1').publicKey)) {
      if (of.task.state !== 'delivering') continue
      network.deliver(of)
      network.accept(of)
    }
  }
  const song = network.sponsor('song', { copies: 1 })
  const { ledger } = network
  const pinner = identity('pinner-1').publicKey
  // The client of a chain, of which the ledger is in this process.
  const chain = {
    chainKey: ledger.chain().chainKey,
    info: () => Promise.resolve({ parameters: parameters(quick) }),
    summary: () => Promise.resolve({ ...ledger.summary(), minted: 0n, sum: 5n }),
    hypercore: (of: Uint8Array) => Promise.resolve(ledger.hypercore(of)),
    roles: () => Promise.resolve([]),
    account: (of: Uint8Array) => Promise.resolve(ledger.account(of))
  }
  const record = { hypercore: key, pinner, storage: { offline: 2 }, retrieval: { success: 1 } }
  const { id } = ledger.hypercore(key)!.copies[0]!
  const observer = { member: { chain }, copies: new Map([[id, record]]) } as unknown as Findings['observer']
  const notice = { code: 'HYPERCORE_HOLES' as const, message: '3 blocks', who: encode(key) }
  const result = await summarise({
    observer,
    names: new Map([[pinner.toString('hex'), 'pinner-1']]),
    driveKey: key,
    hypercores: [key, song],
    wantedCopies: 1,
    consumer: { files: 0, bytes: 0, identical: false, mbPerSecond: 0 },
    problems: [],
    notices: [notice],
    dataDir: '/data',
    bootstrap: []
  })
  assert.equal(result.ok, false)
  const said = (JSON.parse(summaryJson(result)) as { problems: Record<string, unknown>[] }).problems
  assert.deepEqual(
    said.map(({ code, who }) => [code, who]),
    [
      ['COPY_UNPROVEN', encode(pinner)],
      ['COPIES_MISSING', encode(song)],
      ['PINNER_FAILED', encode(pinner)],
      ['LEDGER_SUM', null],
      ['NOTHING_PAID', null],
      ['READ_DIFFERS', null],
      ['HYPERCORE_HOLES', encode(key)]
    ]
  )
  for (const problem of said) assert.deepEqual(Object.keys(problem), ['code', 'message', 'who'])
  const text = summaryText(result)
  assert.match(text, /^problem {4}\w+: an honest pinner failed: 2 storage .* offline \[PINNER_FAILED\]$/m)
  assert.match(text, new RegExp(`^problem    ${encode(key)}: 3 blocks \\[HYPERCORE_HOLES\\]$`, 'm'))
})
