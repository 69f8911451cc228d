import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import vm from 'node:vm'
import { bytesFrom } from '../helpers/bytes.js'
import { identity } from '../ledger/network.js'
import { bundlePage, pageContext } from './bundle.js'
import * as program from './program.js'
import { signatures } from './signatures.js'

// The pure rooms as a page has them: in one script, without anything of Node, with crypto handed in. Only text goes in and out, since
// objects of two contexts are of different classes.

const vectors = new URL('../../../test/vectors/', import.meta.url)
const load = (name: string): string => readFileSync(new URL(`${name}.json`, vectors), 'utf8')

/** With ciphers of Node's alone: proofs about prime factors are not part of the pure rooms. */
const notPure = ['prime-proof']

/** A field of each file that holds what is expected. */
const expectations: Record<string, string> = {
  hashing: 'hash',
  encodings: 'bytes',
  entries: 'wire',
  operations: 'hash',
  openings: 'seed',
  originals: 'treeHash',
  'rules-money': 'burned',
  'rules-deliveries': 'fee',
  'rules-forks': 'price',
  'rules-merging': 'ms',
  'rules-challenges': 'seed',
  'rules-absence': 'fate',
  'rules-pause': 'ms',
  merkle: 'root',
  slices: 'hash',
  refusal: 'code',
  wrap: 'plain',
  seal: 'plain'
}

interface Page {
  check: (name: string, json: string) => Promise<number>
  agree: typeof program.agree
  verified: (message: string, signed: string) => string
  all: Record<string, unknown>
}

const { code } = await bundlePage()
const context = pageContext()
const page = vm.runInContext(`${code}; page`, context) as Page

/** As the programs take them: keys that the vectors were made with are known to the tests only. */
function inputOf(name: string): string {
  if (name !== 'operations') return load(name)
  const seed = identity('sender').secretKey.subarray(0, 32)
  const operations: unknown = JSON.parse(load(name))
  return JSON.stringify({
    chainId: '03'.repeat(32),
    senderSeed: Buffer.from(seed).toString('hex'),
    operations
  })
}

test('the page has nothing of Node', () => {
  const names = [
    'Buffer',
    'process',
    'require',
    'module',
    'global',
    'setImmediate',
    'queueMicrotask',
    'console'
  ]
  const found = names.filter((name) => vm.runInContext(`typeof ${name}`, context) !== 'undefined')
  assert.deepEqual(found, [])
})

test('all vectors but those of prime factors are checked', () => {
  const files = readdirSync(vectors).filter((name) => name.endsWith('.json'))
  const names = files.map((name) => name.replace('.json', ''))
  assert.deepEqual([...program.checked, ...notPure].sort(), names.sort())
})

for (const name of program.checked) {
  test(`the vectors of ${name} hold in a page, and as many in Node`, async () => {
    const compared = await page.check(name, inputOf(name))
    assert.ok(compared > 1)
    assert.equal(compared, await program.check(name, inputOf(name)))
  })
}

for (const [name, field] of Object.entries(expectations)) {
  test(`another ${field} than that of the vectors of ${name} is found in a page`, async () => {
    const changed = inputOf(name).replace(
      new RegExp(`("${field}": ?")(.)`),
      (_, start: string, first: string) => {
        return start + (first === '1' ? '2' : '1')
      }
    )
    // An error of the page's own class: text is compared, not what it is an instance of.
    const message = await page.check(name, changed).then(String, (error: Error) => error.message)
    assert.match(message, / instead of /)
  })
}

test('random operations, entries and segments are the same bytes in a page and in Node', () => {
  const [inPage, inNode] = [page, program].map(
    ({ agree }) => JSON.parse(agree('made', 20_260_101, 180, '[]')) as string[]
  )
  assert.ok(inNode!.length > 700)
  assert.deepEqual(inPage, inNode)
})

test('hostile bytes are refused with the same codes in a page and in Node', () => {
  const samples = JSON.stringify([
    ...(JSON.parse(load('slices')) as { walk: { walks: { evidence: string }[] } }).walk.walks.map(
      ({ evidence }) => evidence
    ),
    ...(JSON.parse(load('refusal')) as { evidence: string }[]).map(({ evidence }) => evidence),
    ...(JSON.parse(load('entries')) as { entries: { wire: string }[] }).entries.map(({ wire }) => wire)
  ])
  const [inPage, inNode] = [page, program].map(
    ({ agree }) => JSON.parse(agree('refusals', 20_260_102, 600, samples)) as string[]
  )
  assert.deepEqual(inPage, inNode)
  const codes = inNode!.flatMap((answers) => answers.split('\n')).filter((answer) => /^[A-Z_]+$/.test(answer))
  assert.ok(new Set(codes).size > 5, [...new Set(codes)].join())
})

test('signatures hold in a page where they hold in Node, those made to be taken by one only included', () => {
  const message = bytesFrom('a message to sign', 40)
  const all = signatures(message)
  const signed = JSON.stringify(
    all.map(({ signature, publicKey }) => Buffer.concat([signature, publicKey]).toString('hex'))
  )
  const holds = JSON.parse(page.verified(message.toString('hex'), signed)) as boolean[]
  assert.deepEqual(
    all.map(({ name }, i) => [name, holds[i]]),
    all.map(({ name, holds }) => [name, holds])
  )
  assert.ok(holds.filter((held) => held).length > 2)
  assert.ok(holds.filter((held) => !held).length > 60)
})

test('what is called before crypto was handed in says so', () => {
  const fresh = pageContext()
  vm.runInContext(code.replace('begin(crypto)', ''), fresh)
  const say = `try { page.verified('00', '["' + '00'.repeat(96) + '"]') } catch (error) { String(error) }`
  assert.match(String(vm.runInContext(say, fresh)), /provideCrypto/)
})
