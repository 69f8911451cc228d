import assert from 'node:assert/strict'
import { checkPrimeSync, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/clock.js'
import { equal } from '../../src/bytes.js'
import { primeProofHash } from '../../src/crypto/prime-proof-bytes.js'
import { silentLogger } from '../../src/log.js'
import { Records } from '../../src/storage/records.js'
import { registrationOf } from '../../src/local/economy.js'
import { seededPrimes, weakModulus } from '../crypto/weak-keys.js'
import { LyingSigner } from './lying-signer.js'
import { RoleNetwork } from './network.js'
import { anyKey, type AnyKey } from './weak-seal.js'
import { closeAfter } from '../helpers/close-after.js'

/** The same key for every draw: primes of this length take long to find, and what the chain refuses may come again. */
function once(make: () => AnyKey): () => AnyKey {
  let key: AnyKey | undefined
  return () => (key ??= make())
}

/** Signers that take another key than this project makes, with the best proof that there is; what pinner and chain say. */
const attacks: {
  name: string
  code: string
  why: RegExp
  delivered: string
  key: (draw: number) => AnyKey
}[] = [
  {
    name: '32 primes of 64 bits',
    code: 'SEGMENT_MODULUS',
    why: /PRIME_PROOF_SQUARE/,
    delivered: 'accepted',
    key(draw) {
      const { n, primes } = weakModulus(Array<number>(32).fill(1), draw)
      return anyKey(
        n,
        primes.map((p) => ({ p, exponent: 1 }))
      )
    }
  },
  {
    name: 'a prime',
    code: 'SEGMENT_MODULUS',
    why: /MODULUS_PRIME/,
    delivered: 'MODULUS_WEAK',
    key: once(() => {
      const [p] = seededPrimes([2048], 0)
      return anyKey(p!, [{ p: p!, exponent: 1 }])
    })
  },
  {
    name: 'a square',
    code: 'SEGMENT_MODULUS',
    why: /MODULUS_POWER/,
    delivered: 'MODULUS_WEAK',
    key: once(() => {
      const { n, primes } = weakModulus([2], 0)
      return anyKey(n, [{ p: primes[0]!, exponent: 2 }])
    })
  },
  {
    name: 'a prime that its other segments have too',
    code: 'SEGMENT_FACTOR',
    why: /a factor/,
    delivered: 'accepted',
    key(draw) {
      const primes = [...seededPrimes([512], 0), ...seededPrimes([512, 512, 512], draw + 1)]
      // Four primes with their two highest bits set may still be too short together.
      for (let seed = 1000 * (draw + 1); primes.reduce((n, p) => n * p, 1n) >> 2047n !== 1n; seed++) {
        primes.splice(1, 3, ...seededPrimes([512, 512, 512], seed))
      }
      const n = primes.reduce((product, p) => product * p, 1n)
      return anyKey(
        n,
        primes.map((p) => ({ p, exponent: 1 }))
      )
    }
  }
]

/**
 * Four primes, one of 36 bits: too large for the chain's look at small primes and as few as the proof allows. p - 1 finds it
 * with wider bounds than before acceptance: its primes are 2, 3, one of 13 bits and one of 19.
 */
function smallFactorKey(draw: number): AnyKey {
  const [large] = seededPrimes([19], draw) as [bigint]
  let small = 0n
  for (let q = 4_001n; ; q += 2n) {
    small = 6n * q * large + 1n
    // p + 1 is four times a prime, so that it finds nothing before acceptance.
    if (checkPrimeSync(q) && checkPrimeSync(small) && checkPrimeSync((small + 1n) / 4n)) break
  }
  const primes = [small, ...seededPrimes([670, 670], draw)]
  const product = primes.reduce((n, p) => n * p)
  let last = (3n << 2046n) / product + 1n
  last |= 1n
  while (!checkPrimeSync(last, { checks: 8 })) last += 2n
  return anyKey(
    product * last,
    [...primes, last].map((p) => ({ p, exponent: 1 }))
  )
}

test('a pinner that finds a factor while it holds the copy convicts the signer and is paid, also if it was away in between', async (t) => {
  const network = await RoleNetwork.start(t, ['pinner-1', 'weak', 'pinner-2', 'signer-2'], {
    claimRounds: 5,
    commitmentBits: 4,
    revealAfterRounds: 6
  })
  const of = network.effects()
  const pinner = await network.startRole('pinner', 'pinner-1', { searchCurves: 1, searchShare: 1 })
  const weak = await LyingSigner.start(
    {
      dir: join(network.root, 'weak'),
      network: network.network,
      chainKey: network.chain.publicKey,
      clock: systemClock,
      randomBytes,
      log: silentLogger
    },
    registrationOf('signer'),
    { key: smallFactorKey }
  )
  closeAfter(t, () => weak.close())
  const files = { 'one.bin': randomBytes(2_000) }
  const { driveKey, hypercores } = await network.keep(files, { copies: 1, codec: 'seal' })
  await network.until('a factor', () => of('factorCommitted').length > 0)
  await network.stopRole('pinner-1')
  const records = new Records(join(network.root, 'pinner-1', 'copies', 'pinner.db'))
  for (const key of hypercores) {
    const view = (await network.observer.member.chain.hypercore(key))!
    for (const { id, primeProof } of view.copies.flatMap(({ segments }) => segments)) {
      assert.ok(equal(primeProofHash(records.primeProof(id)!), primeProof))
    }
  }
  records.close()
  await network.startRole('pinner', 'pinner-1', { searchCurves: 1, searchShare: 1 })
  await network.until('the bounties', () => of('bountyPaid').length === hypercores.length)
  // What it has committed to is on its disk: it commits to nothing twice.
  assert.equal(of('factorCommitted').length, hypercores.length)
  for (const { by, paid } of of('bountyPaid')) {
    assert.ok(equal(by, pinner.publicKey))
    assert.ok(paid > 0n)
  }
  for (const { key } of of('convicted')) assert.ok(equal(key, weak.publicKey))
  // Nobody says that the pinner was at fault.
  assert.ok(of('penalised').every(({ key }) => !equal(key, pinner.publicKey)))

  await network.startRole('pinner', 'pinner-2')
  await network.startRole('signer', 'signer-2')
  await network.until('the copies of others', () => of('released').length === hypercores.length)
  await network.read(driveKey, files)
  await network.audit()
})

for (const { name, code, why, delivered, key } of attacks) {
  test(`a signer whose modulus is or has ${name} is convicted, and an honest one makes the copies`, async (t) => {
    // Evidence that a busy machine is late with is not upheld.
    const network = await RoleNetwork.start(t, ['pinner-1', 'weak', 'signer-1'], {
      evidenceBytesPerSecond: 200_000
    })
    const of = network.effects()

    await network.startRole('pinner', 'pinner-1')
    const weak = await LyingSigner.start(
      {
        dir: join(network.root, 'weak'),
        network: network.network,
        chainKey: network.chain.publicKey,
        clock: systemClock,
        randomBytes,
        log: silentLogger
      },
      registrationOf('signer'),
      { key }
    )
    closeAfter(t, () => weak.close())

    const keeping = network.keep({ 'one.bin': randomBytes(2_000) }, { copies: 1, codec: 'seal' })
    await network.until('a verdict on a refusal', () => of('judged').length > 0)
    await network.startRole('signer', 'signer-1')
    await keeping

    await network.until('a verdict on every refusal', () => of('judged').length === of('refused').length)
    assert.ok(of('judged').every(({ upheld }) => upheld === 1))
    assert.ok(
      weak.verdicts.some(
        (verdict) => !verdict.accepted && verdict.code === code && why.test(verdict.message)
      ),
      JSON.stringify(weak.verdicts)
    )
    assert.ok(weak.deliveries.every((said) => said === delivered))
    const penalised = of('penalised')
    assert.ok(penalised.length > 0 && penalised.every(({ key }) => equal(key, weak.publicKey)))
    assert.ok(penalised.some(({ burned }) => burned > 0n))
  })
}
