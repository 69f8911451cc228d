import { decodeChunk, encodeChunk } from '../../src/chunk/codecs.js'
import type { SegmentSecret } from '../../src/chunk/codec.js'
import { readTrailer } from '../../src/client/evidence-core.js'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { decodePrimeProof } from '../../src/crypto/prime-proof-format.js'
import {
  address,
  addresses,
  datdots,
  hypercoreKey,
  publicKey,
  size,
  webAddress
} from '../../src/daemon/setting.js'
import { parseTables } from '../../src/daemon/toml.js'
import { parseKey } from '../../src/drive/key.js'
import { judgeOpening } from '../../src/evidence/opening-judge.js'
import { decodeOpening, openingType } from '../../src/evidence/opening.js'
import { decodeRefusalEvidence, refusalEvidenceType } from '../../src/evidence/refusal-format.js'
import { sliceTools } from '../../src/evidence/slice-tools.js'
import { verifySliceEvidence } from '../../src/evidence/verify-slices.js'
import { decodeBatchProof, decodeProof } from '../../src/merkle/proof.js'
import { decode, encode, uint, type Type } from '../../src/protocol/codec.js'
import { effectsType } from '../../src/protocol/effects.js'
import { entryType } from '../../src/protocol/entry.js'
import { offerType, signedRecordType } from '../../src/protocol/hand-over.js'
import {
  answerDetailType,
  bodies,
  decodeOperation,
  kindOnWire,
  kinds,
  signOperation,
  verifySignatures,
  type Statement
} from '../../src/protocol/operations.js'
import { verifyOriginalProof } from '../../src/protocol/original-tree.js'
import { methods } from '../../src/protocol/rpc/messages.js'
import { decodeNodes, decodeProgress, decodeTail } from '../../src/storage/progress.js'
import { readData, readNumber, readVerdict } from '../../src/swarm/segment-messages.js'
import { wrapSegment } from '../engine/fixtures.js'
import { answer, challengeOf, makeSliceCopy } from '../evidence/slice-copy.js'
import { numbersOf, unbounded, valueOf, type Draw } from '../helpers/layouts.js'

/** Something that reads what others wrote. */
export interface Target {
  name: string
  /** Bytes that it takes, or all but takes. */
  make: (draw: Draw) => Uint8Array
  /** Throws nothing but coded errors, whatever the bytes are. */
  read: (bytes: Uint8Array) => unknown
}

const small = { listMost: 2, bytesMost: 80 }

/** Values of a format, of which every third has one number beyond its bound. */
function made(type: Type<unknown>, draw: Draw): Uint8Array {
  const numbers = numbersOf(type)
  if (numbers.length === 0 || draw(3) > 0) return encode(type, valueOf(type, { ...small, draw }))
  const { path, most } = numbers[draw(numbers.length)]!
  const value = [most, most + 1, 2 ** 53 - 1, 2n ** 57n, 2n ** 63n, 2n ** 64n - 1n][draw(6)]!
  return encode(unbounded(type), valueOf(type, { ...small, draw, special: { path, value } }))
}

function format(name: string, of: unknown, read?: Target['read']): Target {
  const type = of as Type<unknown>
  return { name, make: (draw) => made(type, draw), read: read ?? ((bytes) => decode(type, bytes)) }
}

/** Any bytes of up to `most`, the first of them one of a few that readers look for. */
function anything(most: number, first: readonly number[]): Target['make'] {
  return (draw) => {
    const bytes = Uint8Array.from({ length: draw(most) }, () => draw(256))
    if (bytes.length > 0) bytes[0] = first[draw(first.length)]!
    return bytes
  }
}

/** Texts made of what settings and addresses are made of. */
const words = [
  'dat://',
  'hyper://',
  'pear://0.',
  '+',
  '/',
  '[',
  ']',
  ':',
  '.',
  '=',
  '"',
  '\n',
  '#',
  ' ',
  '-',
  '\u0000',
  '😀',
  '0x',
  '1e9',
  'TiB',
  'MiB',
  '999999999999999999999',
  '127.0.0.1',
  'a'.repeat(64),
  'y'.repeat(52),
  'true',
  '[[',
  'allocation'
]

function text(name: string, read: (text: string) => unknown): Target {
  const make = (draw: Draw): Uint8Array =>
    Buffer.from(Array.from({ length: 1 + draw(6) }, () => words[draw(words.length)]!).join(''))
  return { name, make, read: (bytes) => read(Buffer.from(bytes).toString('utf8')) }
}

const keyPair = keyPairFromSeed(Buffer.alloc(32, 1))
const chainId = Buffer.alloc(32, 2)
const noKey = Buffer.alloc(256, 0xff)

function operation(draw: Draw): Uint8Array {
  const kind = kinds[draw(kinds.length)]!
  const detail = kind === 'answer' ? encode(answerDetailType, []) : undefined
  const body = valueOf(bodies[kind], { ...small, draw })
  const from = { chainId, keyPair, nonce: draw(300), anchor: { seq: draw(2 ** 40), hash: chainId } }
  return signOperation({ kind, body } as Statement, detail ? { ...from, detail } : from)
}

const wrap = wrapSegment()
const seal: SegmentSecret = { ...wrap, codec: 'seal', publicKey: noKey }
const chunkHead = (draw: Draw): Uint8Array => {
  const chunk = Buffer.alloc(80 + 256 * draw(4), draw(256))
  chunk.writeUInt32LE(draw(2) + 0x101, 0)
  chunk.writeUInt32LE([draw(2 ** 32), 255, 1, 256][draw(4)]!, 4)
  return chunk
}

/** Everything that reads what others wrote: messages, evidence, chunks, files, settings. */
export async function targets(): Promise<Target[]> {
  const copy = await makeSliceCopy([
    { codec: 'wrap', plain: [900, 20, 70_000, 1, 333, 4096, 15] },
    { codec: 'seal', plain: [40_000, 255, 1] }
  ])
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, seed) => answer(copy, challengeOf(copy, 3 + seed, seed)))
  )
  const [asked] = answers
  const proof = Buffer.alloc(3 + 4 * 40, 1)
  const segment = { ...copy.segments[0]!, publicKey: wrap.publicKey, salt: wrap.salt, treeHash: chainId }
  return [
    ...Object.entries(bodies).map(([kind, type]) => format(`operation ${kind}`, type)),
    ...Object.entries(methods).flatMap(([name, { request, response }]) => [
      format(`${name}, asked`, request),
      format(`${name}, answered`, response)
    ]),
    format('answer detail', answerDetailType),
    format('effects', effectsType),
    format('entry', entryType),
    format('offer', offerType),
    format('signed record', signedRecordType),
    format('refusal', refusalEvidenceType, decodeRefusalEvidence),
    format('opening', openingType, decodeOpening),
    format('opening, judged', openingType, (bytes) =>
      judgeOpening(
        bytes,
        { segment, index: 2 },
        { decodeChunk: (of, index, chunk) => decodeChunk(of, index, chunk) }
      )
    ),
    {
      name: 'signed operation',
      make: operation,
      read: (bytes) => {
        kindOnWire(bytes)
        verifySignatures(chainId, [bytes])
        decodeOperation(bytes)
      }
    },
    {
      name: 'evidence',
      make: (draw) => answers[draw(answers.length)]!.evidence,
      read: (bytes) => verifySliceEvidence(bytes, asked!.challenge, asked!.lastState, sliceTools)
    },
    {
      name: 'chunk of wrap',
      make: (draw) => encodeChunk(wrap, 3, Buffer.alloc(1 + draw(300), 7), Buffer.alloc(32, draw(256))),
      read: (bytes) => decodeChunk(wrap, 3, bytes)
    },
    { name: 'chunk of seal', make: chunkHead, read: (bytes) => decodeChunk(seal, 3, bytes) },
    { name: 'proof of a chunk', make: anything(200, [0, 1]), read: (bytes) => decodeProof(bytes, 2, 7) },
    {
      name: 'proof of chunks',
      make: anything(200, [0, 1]),
      read: (bytes) => decodeBatchProof(bytes, [1, 4], 7)
    },
    {
      name: 'proof of an original',
      make: () => proof,
      read: (bytes) => verifyOriginalProof(bytes, { length: 2 ** 40, treeHash: chainId }, 5)
    },
    { name: 'proof of primes', make: anything(300, [1]), read: decodePrimeProof },
    {
      name: 'trailer',
      make: () => Buffer.from([1, 3, ...Buffer.alloc(72, 1)]),
      read: (bytes) => readTrailer(Buffer.from(bytes), 9)
    },
    {
      name: 'sent chunks',
      make: () => Buffer.from([2, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 1, 2, 3]),
      read: (bytes) => readData(Buffer.from(bytes))
    },
    {
      name: 'credit',
      make: (draw) => Buffer.alloc(8, draw(256)),
      read: (bytes) => readNumber(Buffer.from(bytes), 'a credit')
    },
    {
      name: 'verdict',
      make: () => Buffer.from('\u0000["CODE","message"]'),
      read: (bytes) => readVerdict(Buffer.from(bytes))
    },
    {
      name: 'progress',
      make: (draw) => Buffer.alloc(16 + 48 * draw(3), draw(2)),
      read: (bytes) => decodeProgress(Buffer.from(bytes))
    },
    {
      name: 'nodes',
      make: (draw) => Buffer.alloc(48 * draw(3), draw(2)),
      read: (bytes) => decodeNodes(Buffer.from(bytes))
    },
    {
      name: 'tail',
      make: (draw) => Buffer.alloc(16, draw(2)),
      read: (bytes) => decodeTail(Buffer.from(bytes))
    },
    format('number', uint()),
    text('address of a hypercore', parseKey),
    text('file of settings', (of) => parseTables(of, 'FILE')),
    text('settings', (of) =>
      [size(0), address, addresses, webAddress, publicKey, hypercoreKey, datdots].map((setting) =>
        setting.parse(of)
      )
    )
  ]
}
