import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as idEncoding from 'hypercore-id-encoding'
import { equal } from '../../src/bytes.js'
import { modPow } from '../crypto/weak-keys.js'
import { runProgram } from '../cli/program.js'
import { objects } from '../daemon/programs.js'
import { primesOf } from '../helpers/rsa-keys.js'
import { RoleNetwork } from './network.js'
import { closeAfter } from '../helpers/close-after.js'

const MODULUS_BYTES = 256

/** Takes the key of each draw that a signer works on from its disk, before it is wiped: who has them seals again on demand. */
function thief(t: TestContext, dir: string): Map<number, bigint[]> {
  const taken = new Map<number, bigint[]>()
  const look = (): void => {
    try {
      for (const name of readdirSync(dir)) {
        if (taken.has(Number(name)) || !/^\d+$/.test(name)) continue
        const kept = readFileSync(join(dir, name))
        if (kept.byteLength > MODULUS_BYTES) taken.set(Number(name), primesOf(kept.subarray(MODULUS_BYTES)))
      }
    } catch {
      // Not there yet, or gone already.
    }
  }
  const timer = setInterval(look, 5)
  closeAfter(t, () => clearInterval(timer))
  return taken
}

/** The root that only the owner of these primes makes. */
function rootOf(value: bigint, primes: bigint[]): bigint {
  const n = primes.reduce((product, p) => product * p, 1n)
  const order = primes.reduce((product, p) => product * (p - 1n), 1n)
  let [low, high, x, y] = [65537n, order, 1n, 0n]
  while (low > 0n) {
    const quotient = high / low
    ;[low, high, x, y] = [high - quotient * low, low, y - quotient * x, x]
  }
  return modPow(value, ((y % order) + order) % order, n)
}

test('a signer whose keys are not gone is convicted by a root and by a factor, a stranger is paid, and others make the copies anew', async (t) => {
  const network = await RoleNetwork.start(t, ['pinner-1', 'pinner-2', 'signer-1', 'signer-2'], {
    claimRounds: 5,
    commitmentBits: 4
  })
  const of = network.effects()
  const taken = thief(t, join(network.root, 'signer-1', 'keys'))
  await network.startRole('pinner', 'pinner-1')
  const signer = await network.startRole('signer', 'signer-1')
  const files = { 'one.bin': randomBytes(40_000) }
  const { driveKey, hypercores } = await network.keep(files, { copies: 1, codec: 'seal' })
  await network.startRole('pinner', 'pinner-2')
  await network.startRole('signer', 'signer-2')
  /** `datdot claim-bounty` of a stranger that has nothing but a folder, in a process of its own. */
  const claim = async (segment: Uint8Array, ...what: string[]): Promise<Record<string, string>> => {
    const [at] = network.network.bootstrap
    const { code, stdout, stderr } = await runProgram(t, [
      'claim-bounty',
      ...['--data', join(network.root, 'finder')],
      ...['--chain', idEncoding.encode(network.chain.publicKey)],
      ...['--bootstrap', `${at!.host}:${at!.port}`],
      ...['--segment', Buffer.from(segment).toString('hex'), '--json'],
      ...what
    ])
    return { code: String(code), stderr, ...objects(stdout)[0] }
  }

  const claimed: Uint8Array[] = []
  let finder: Uint8Array = Buffer.alloc(0)
  for (const [i, key] of hypercores.entries()) {
    const view = (await network.observer.member.chain.hypercore(key))!
    const segment = view.copies[0]!.segments[0]!
    assert.ok(equal(segment.signer, signer.publicKey))
    const primes = taken.get(segment.draw)!
    if (i === 0) {
      const { round, value, modulus } = await claim(segment.hash, '--ask')
      assert.equal(modulus, Buffer.from(segment.publicKey).toString('hex'))
      const root = rootOf(BigInt(`0x${value}`), primes)
      const wrong = await claim(segment.hash, '--round', round!, '--root', (root + 1n).toString(16))
      assert.equal(wrong.code, '1')
      assert.match(wrong.stderr!, /\[ROOT_WRONG\]\n$/)
      const right = await claim(segment.hash, '--round', round!, '--root', root.toString(16))
      assert.equal(right.code, '0', right.stderr)
      finder = idEncoding.decode(right.key!)
    } else {
      const wrong = await claim(segment.hash, '--factor', (primes[1]! + 2n).toString(16))
      assert.equal(wrong.code, '1')
      assert.match(wrong.stderr!, /\[FACTOR_WRONG\]\n$/)
      const right = await claim(segment.hash, '--factor', primes[1]!.toString(16))
      assert.equal(right.code, '0', right.stderr)
      assert.ok(BigInt(right.amount!) > 0n)
    }
    claimed.push(segment.hash)
  }
  assert.ok(claimed.length >= 2)
  await network.until('all bounties', () => of('bountyPaid').length === claimed.length)
  for (const { key, bounty } of of('convicted')) {
    assert.ok(equal(key, signer.publicKey))
    assert.ok(bounty > 0n)
  }
  assert.deepEqual(
    of('claimed').map(({ proof }) => proof),
    claimed.map((_, i) => (i === 0 ? 'root' : 'factor'))
  )
  for (const { by } of of('bountyPaid')) assert.ok(equal(by, finder))
  const { balance } = await network.observer.member.chain.account(finder)
  assert.equal(
    balance,
    of('bountyPaid').reduce((sum, { paid }) => sum + paid, 0n)
  )

  await network.until('the copies of others', () => of('released').length === claimed.length)
  for (const key of hypercores) {
    const view = (await network.observer.member.chain.hypercore(key))!
    assert.equal(view.copies.length, 1)
    for (const { signer: by } of view.copies[0]!.segments) assert.ok(!equal(by, signer.publicKey))
  }
  await network.read(driveKey, files)
  await network.audit()
})
