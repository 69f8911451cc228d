import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BYTES_MAX } from '../../src/bounds.js'
import {
  MAX_REFUSAL_EVIDENCE_BYTES,
  decodeRefusalEvidence,
  encodeRefusalEvidence,
  type RefusalEvidence
} from '../../src/evidence/refusal-format.js'
import type { RefusalVerdict } from '../../src/evidence/refusal-judge.js'
import { signSegment } from '../../src/protocol/segment.js'
import { factorBytes } from '../../src/crypto/bounty.js'
import { primeProofHash } from '../../src/crypto/prime-proof-bytes.js'
import { encodePrimeProof } from '../../src/crypto/prime-proof-format.js'
import { provePrimes } from '../../src/crypto/prime-proof.js'
import { primesOf } from '../helpers/rsa-keys.js'
import { hash } from '../../src/crypto/hash.js'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { rsaKeyFromSeed } from '../../src/crypto/rsa-key.js'
import { RefusedSegment, START, type Signed } from './segment.js'
import { assertSame } from '../helpers/bytes.js'

const [wrap, seal] = [new RefusedSegment('wrap'), new RefusedSegment('seal')]
const INDEX = START + 3

/** The signer signs its chunks with one of them replaced. */
async function signedWith(segment: RefusedSegment, chunk: Buffer, index = INDEX): Promise<Signed> {
  const chunks = segment.chunks()
  chunks[index - START] = chunk
  return segment.sign(chunks)
}

function is(verdict: RefusalVerdict, upheld: boolean, code: string): void {
  assert.deepEqual({ upheld: verdict.upheld, code: verdict.code }, { upheld, code }, verdict.message)
}

for (const segment of [wrap, seal]) {
  const { codec } = segment.drawn

  test(`${codec}: evidence against good chunks counts against the refuser`, async () => {
    const signed = await segment.sign(segment.chunks())
    for (let index = START; index < segment.blocks.length; index++) {
      is(segment.judge(await segment.chunkEvidence(signed, index)), false, 'REFUSAL_UNFOUNDED')
      is(segment.judge(await segment.originalEvidence(signed, index)), false, 'REFUSAL_UNFOUNDED')
    }
  })

  test(`${codec}: a signed chunk that the codec refuses is the signer's fault, whatever is wrong with it`, async () => {
    const good = segment.chunks()[INDEX - START]!
    const flipped = (at: number): Buffer => {
      const out = Buffer.from(good)
      out[at]! ^= 1
      return out
    }
    const faults: [Buffer, string][] = [
      [flipped(0), 'CODEC_NAME'],
      [flipped(1), 'CODEC_VERSION'],
      [flipped(2), 'CODEC_RESERVED'],
      [flipped(5), 'CODEC_LENGTH'],
      [good.subarray(0, good.byteLength - 1), 'CODEC_LENGTH'],
      [good.subarray(0, 3), 'CODEC_TRUNCATED'],
      [good.subarray(0, 1), 'CODEC_TRUNCATED'],
      [flipped(good.byteLength - 1), codec === 'wrap' ? 'CODEC_SIGNATURE' : 'CODEC_TAG'],
      // Good in another place.
      [segment.chunks()[0]!, codec === 'wrap' ? 'CODEC_SIGNATURE' : 'CODEC_INDEX']
    ]
    for (const [chunk, code] of faults) {
      const signed = await signedWith(segment, chunk)
      is(segment.judge(await segment.chunkEvidence(signed, INDEX)), true, code)
      // The chunks beside it are still good.
      is(segment.judge(await segment.chunkEvidence(signed, INDEX - 1)), false, 'REFUSAL_UNFOUNDED')
    }
  })

  test(`${codec}: a chunk that decodes to another block than the author's is the signer's fault`, async () => {
    const block = segment.blocks[INDEX]!
    for (const other of [Buffer.alloc(block.byteLength, 99), Buffer.concat([block, Buffer.alloc(1)])]) {
      const signed = await signedWith(segment, segment.encode(INDEX, other))
      is(segment.judge(await segment.originalEvidence(signed, INDEX)), true, 'REFUSAL_OTHER_BLOCK')
      // That it decodes is no fault, and without the author's leaf nothing is shown.
      is(segment.judge(await segment.chunkEvidence(signed, INDEX)), false, 'REFUSAL_UNFOUNDED')
    }
  })

  test(`${codec}: a running root over the first chunks proves as much as the whole`, async () => {
    const chunks = segment.chunks().slice(0, INDEX - START + 1)
    chunks[INDEX - START] = Buffer.alloc(300, 7)
    const signed = await segment.sign(chunks)
    is(segment.judge(await segment.chunkEvidence(signed, INDEX)), true, 'CODEC_NAME')
  })
}

test('a chunk under a public key that is none is the signer’s fault', async () => {
  const signed = await seal.sign(seal.chunks(), { publicKey: Buffer.alloc(256) })
  is(seal.judge(await seal.chunkEvidence(signed, INDEX)), true, 'CODEC_KEY')
})

test('a leaf that is not the author’s proves nothing', async () => {
  const signed = await wrap.sign(wrap.chunks())
  const evidence = await wrap.originalEvidence(signed, INDEX)
  const forged = { ...evidence, leaf: { ...evidence.leaf, hash: hash('another leaf') } }
  is(wrap.judge(forged), false, 'ORIGINAL_PROOF_HASH')
  const elsewhere = await wrap.originalEvidence(signed, INDEX + 1)
  is(
    wrap.judge({ ...elsewhere, ...evidence, leaf: elsewhere.leaf, original: elsewhere.original }),
    false,
    'ORIGINAL_PROOF_HASH'
  )
  is(wrap.judge({ ...evidence, original: evidence.original.subarray(0, -1) }), false, 'ORIGINAL_PROOF_SHAPE')
  is(wrap.judge({ ...evidence, original: Buffer.alloc(0) }), false, 'ORIGINAL_PROOF_FORMAT')
  is(wrap.judge({ ...evidence, leaf: { ...evidence.leaf, size: BYTES_MAX } }), false, 'ORIGINAL_PROOF_FORMAT')
})

test('two roots of the same chunks under one key are a fault with `seal`, and none with `wrap`', async () => {
  const contradiction = (one: Signed, two: Signed): RefusalEvidence => ({
    fault: 'contradiction',
    checkpoint: one.checkpoint,
    other: two.checkpoint
  })
  for (const segment of [wrap, seal]) {
    const one = await segment.sign(segment.chunks())
    const two = await signedWith(segment, segment.encode(INDEX, Buffer.alloc(20, 99)))
    const verdict = segment.judge(contradiction(one, two))
    if (segment === seal) is(verdict, true, 'REFUSAL_CONTRADICTION')
    else is(verdict, false, 'REFUSAL_UNFOUNDED')
    is(segment.judge(contradiction(one, one)), false, 'REFUSAL_UNFOUNDED')
    const shorter = await segment.sign(two.chunks.slice(0, -1))
    is(segment.judge(contradiction(one, shorter)), false, 'REFUSAL_UNFOUNDED')
    const { publicKey } = rsaKeyFromSeed(hash('another modulus'))
    const otherKey = await segment.sign(two.chunks, { publicKey: Buffer.from(publicKey) })
    is(segment.judge(contradiction(one, otherKey)), false, 'REFUSAL_UNFOUNDED')
    const { record } = two.checkpoint
    const unsigned = { ...two, checkpoint: { record, signature: one.checkpoint.signature } }
    is(segment.judge(contradiction(one, unsigned)), false, 'REFUSAL_SIGNATURE')
  }
})

test('a proof about primes that the signer bound is its fault if it does not hold, and no other is', async () => {
  const { secretKey } = seal.secret
  const good = encodePrimeProof(provePrimes(secretKey, seal.drawn.id))
  const changed = Buffer.from(good)
  changed[changed.byteLength - 1]! ^= 1
  const elsewhere = encodePrimeProof(provePrimes(secretKey, hash('another segment')))
  const verdicts: [Uint8Array, boolean, string][] = [
    [good, false, 'REFUSAL_UNFOUNDED'],
    [changed, true, 'PRIME_PROOF_ROOT'],
    [elsewhere, true, 'PRIME_PROOF_SQUARE'],
    [Buffer.alloc(0), true, 'PRIME_PROOF_FORM']
  ]
  for (const [primeProof, upheld, code] of verdicts) {
    const bound = await seal.sign(seal.chunks(), { primeProof: Buffer.from(primeProofHash(primeProof)) })
    is(seal.judge({ fault: 'primes', checkpoint: bound.checkpoint, primeProof }), upheld, code)
    const other = primeProof === good ? changed : good
    is(
      seal.judge({ fault: 'primes', checkpoint: bound.checkpoint, primeProof: other }),
      false,
      'REFUSAL_UNFOUNDED'
    )
  }
  const { checkpoint } = await wrap.sign(wrap.chunks())
  is(wrap.judge({ fault: 'primes', checkpoint, primeProof: Buffer.alloc(0) }), false, 'REFUSAL_UNFOUNDED')
})

test('a modulus of a bad shape is the signer’s fault, whatever is said of its primes', async () => {
  const primeProof = Buffer.alloc(0)
  const publicKey = Buffer.alloc(256, 0xff)
  const signed = await seal.sign(seal.chunks(), {
    publicKey: publicKey.fill(0, 255),
    primeProof: Buffer.from(primeProofHash(primeProof))
  })
  const verdict = seal.judge({ fault: 'primes', checkpoint: signed.checkpoint, primeProof })
  assert.equal(verdict.upheld, true)
})

test('a factor of the modulus is the signer’s fault; 1, the modulus itself and other numbers are not', async () => {
  const [one, two] = primesOf(seal.secret.secretKey)
  const { checkpoint } = await seal.sign(seal.chunks())
  const judged = (factor: Uint8Array) => seal.judge({ fault: 'factor', checkpoint, factor })
  is(judged(factorBytes(one!)), true, 'REFUSAL_FACTOR')
  is(judged(factorBytes(one! * two!)), true, 'REFUSAL_FACTOR')
  for (const none of [0n, 1n, one! + 2n]) is(judged(factorBytes(none)), false, 'REFUSAL_UNFOUNDED')
  is(judged(seal.secret.publicKey), false, 'REFUSAL_UNFOUNDED')
  const wrapped = await wrap.sign(wrap.chunks())
  const evidence = { fault: 'factor', checkpoint: wrapped.checkpoint, factor: factorBytes(one!) } as const
  is(wrap.judge(evidence), false, 'REFUSAL_UNFOUNDED')
})

test('what the signer did not sign for this draw proves nothing', async () => {
  const bad = await signedWith(wrap, Buffer.alloc(300, 7))
  const evidence = await wrap.chunkEvidence(bad, INDEX)
  is(wrap.judge(evidence), true, 'CODEC_NAME')
  // The same, where the log tells of another draw.
  const other = Buffer.alloc(32, 5)
  const changes = [
    { key: other },
    { fork: 2 },
    { copy: 5 },
    { segment: 0 },
    { pinner: other },
    { signer: other },
    { codec: 'seal' as const },
    { start: START + 1 },
    { end: INDEX },
    { salt: other },
    { treeHash: other }
  ]
  for (const change of changes) is(wrap.judge(evidence, change), false, 'REFUSAL_RECORD')
  is(wrap.judge(evidence, { chain: other }), false, 'REFUSAL_SIGNATURE')
  is(wrap.judge(evidence, { evidence: other }), false, 'REFUSAL_HASH')
  // Or where somebody else signed.
  const { record } = bad.checkpoint
  const signature = signSegment(wrap.chain, keyPairFromSeed(hash('test/somebody')), record)
  is(wrap.judge({ ...evidence, checkpoint: { record, signature } }), false, 'REFUSAL_SIGNATURE')
  for (const change of [{ version: 2 }, { chunks: 3 }, { end: record.end + 1, chunks: record.chunks + 1 }]) {
    const signed = await wrap.sign(bad.chunks, change)
    is(wrap.judge({ ...evidence, checkpoint: signed.checkpoint }), false, 'REFUSAL_RECORD')
  }
})

test('a chunk that is not under the signed root proves nothing', async () => {
  const signed = await wrap.sign(wrap.chunks())
  const evidence = (await wrap.chunkEvidence(signed, INDEX)) as RefusalEvidence & { fault: 'chunk' }
  const { chunk, proof } = evidence
  is(wrap.judge({ ...evidence, chunk: Buffer.alloc(chunk.byteLength, 7) }), false, 'PROOF_ROOT')
  is(wrap.judge({ ...evidence, chunk: chunk.subarray(0, -1) }), false, 'PROOF_BYTES')
  is(wrap.judge({ ...evidence, chunk: Buffer.alloc(0) }), false, 'REFUSAL_MALFORMED')
  is(wrap.judge({ ...evidence, index: INDEX + 1 }), false, 'PROOF_ROOT')
  is(wrap.judge({ ...evidence, index: START - 1 }), false, 'PROOF_INDEX')
  is(wrap.judge({ ...evidence, index: wrap.blocks.length }), false, 'PROOF_INDEX')
  is(wrap.judge({ ...evidence, proof: proof.subarray(0, -40) }), false, 'PROOF_LENGTH')
  is(wrap.judge({ ...evidence, proof: Buffer.alloc(proof.byteLength) }), false, 'PROOF_BYTES')
})

test('evidence is read back as it was written, and nothing else is', async () => {
  const bad = await signedWith(seal, Buffer.alloc(300, 7))
  const other = await seal.sign(seal.chunks())
  const all: RefusalEvidence[] = [
    await seal.chunkEvidence(bad, INDEX),
    await seal.originalEvidence(bad, INDEX),
    { fault: 'contradiction', checkpoint: bad.checkpoint, other: other.checkpoint }
  ]
  for (const evidence of all) {
    const bytes = encodeRefusalEvidence(evidence)
    assertSame(decodeRefusalEvidence(bytes), evidence)
    is(seal.judge(Buffer.concat([bytes, Buffer.alloc(1)])), false, 'REFUSAL_MALFORMED')
    for (let length = 0; length < bytes.byteLength; length++) {
      is(seal.judge(bytes.subarray(0, length)), false, 'REFUSAL_MALFORMED')
    }
    for (const [at, byte] of [
      [0, 2],
      [1, 3]
    ] as const) {
      const changed = Buffer.from(bytes)
      changed[at] = byte
      is(seal.judge(changed), false, 'REFUSAL_MALFORMED')
    }
  }
  is(seal.judge(Buffer.alloc(MAX_REFUSAL_EVIDENCE_BYTES + 1)), false, 'REFUSAL_MALFORMED')
})

test('no bit of evidence that is upheld can be changed', async () => {
  const bad = await signedWith(wrap, wrap.encode(INDEX, Buffer.alloc(20, 99)))
  const bytes = encodeRefusalEvidence(await wrap.originalEvidence(bad, INDEX))
  is(wrap.judge(bytes), true, 'REFUSAL_OTHER_BLOCK')
  for (let at = 0; at < bytes.byteLength; at++) {
    const changed = Buffer.from(bytes)
    changed[at]! ^= 1 << (at % 8)
    assert.equal(wrap.judge(changed).upheld, false, `byte ${at}`)
  }
})

test('hostile bytes get a verdict against the refuser, and never crash', async () => {
  const checkpoint = (await wrap.sign(wrap.chunks())).checkpoint
  const head = encodeRefusalEvidence({ fault: 'contradiction', checkpoint, other: checkpoint })
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 400 }),
      fc.nat(head.byteLength),
      fc.nat(2),
      (noise, kept, fault) => {
        const bytes = Buffer.concat([Buffer.of(1, fault), head.subarray(2, Math.max(2, kept)), noise])
        assert.equal(wrap.judge(bytes).upheld, false)
      }
    ),
    { numRuns: 2_000 }
  )
})
