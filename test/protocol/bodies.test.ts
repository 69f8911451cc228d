import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { keyPairFromSeed } from '../../src/crypto/keys.js'
import { decode, encode, type Type } from '../../src/protocol/codec.js'
import { effectsType, type Effect } from '../../src/protocol/effects.js'
import {
  answerDetailType,
  bodies,
  chainKinds,
  decodeOperation,
  detailHash,
  kinds,
  signOperation,
  type Statement
} from '../../src/protocol/operations.js'
import { parameters, parametersType } from '../../src/protocol/parameters.js'

/**
 * Every operation, detail and effect as docs/formats.md states them, encoded by what is written here from that page alone: what
 * the page says is what the code does, and nothing is missing in either.
 */
type Form =
  | { is: 'number'; most: number }
  | { is: 'amount' | 'parameters' }
  | { is: 'raw'; length: number }
  | { is: 'bytes' | 'text'; most: number }
  | { is: 'word'; words: string[] }
  | { is: 'optional'; of: Form }
  | { is: 'list'; most: number; of: Form }
  | { is: 'struct'; fields: [string, Form][] }

const page = readFileSync(new URL('../../../docs/formats.md', import.meta.url), 'utf8')
const types = new Map<string, Form>([['parameters', { is: 'parameters' }]])

/** Reads one form off the front of a text. */
function parse(text: string): { form: Form; rest: string } {
  const take = (pattern: RegExp): RegExpExecArray | null => {
    const found = pattern.exec(text)
    if (found) text = text.slice(found[0].length)
    return found
  }
  const within = (): Form => {
    const inner = parse(text)
    text = inner.rest
    return inner.form
  }
  let form: Form
  let found: RegExpExecArray | null
  if ((found = take(/^u(?:<=(\d+)(?:\^(\d+))?)?(?![a-zA-Z])/))) {
    form = {
      is: 'number',
      most: found[1] ? Number(found[1]) ** Number(found[2] ?? 1) : 2 ** 48
    }
  } else if (take(/^amount(?![a-zA-Z])/)) form = { is: 'amount' }
  else if ((found = take(/^(\d+)/))) form = { is: 'raw', length: Number(found[1]) }
  else if ((found = take(/^(bytes|text)<=(\d+)/))) {
    form = { is: found[1] as 'bytes', most: Number(found[2]) }
  } else if ((found = take(/^word ([a-zA-Z0-9|-]+)/))) form = { is: 'word', words: found[1]!.split('|') }
  else if (take(/^optional /)) form = { is: 'optional', of: within() }
  else if ((found = take(/^list<=(\d+) /))) form = { is: 'list', most: Number(found[1]), of: within() }
  else if (take(/^\{/)) {
    const fields: [string, Form][] = []
    while (!take(/^\}/)) {
      const name = take(/^(?:, )?(\w+): /)
      assert.ok(name, `a field at ${text}`)
      fields.push([name[1]!, within()])
    }
    form = { is: 'struct', fields }
  } else {
    const name = take(/^(\w+)/)?.[1] ?? ''
    const known = types.get(name)
    assert.ok(known, `docs/formats.md does not say what ${name || text} is`)
    form = known
  }
  return { form, rest: text }
}

function whole(text: string): Form {
  const { form, rest } = parse(text)
  assert.equal(rest.trim(), '', `left over: ${rest}`)
  return form
}

const operations = new Map<string, { code: number; form: Form }>()
const effects = new Map<string, { code: number; form: Form }>()
const details = new Map<string, Form>()
for (const line of page.split('\n')) {
  const [, type, text] = /^type (\w+) +([{a-z].*)$/.exec(line) ?? []
  if (type && text && !types.has(type)) types.set(type, whole(text))
  const [, of, detail] = /^detail (\w+) +(\S.*)$/.exec(line) ?? []
  if (of && detail) details.set(of, whole(detail))
  const [, what, code, name, body] = /^(operation|effect) (\d+) +(\w+) +(\{.*\})$/.exec(line) ?? []
  if (name && body)
    (what === 'effect' ? effects : operations).set(name, { code: Number(code), form: whole(body) })
}

function varint(value: number): Buffer {
  if (value <= 252) return Buffer.from([value])
  const bytes = Buffer.alloc(value <= 0xffff ? 3 : value <= 0xffffffff ? 5 : 9)
  bytes[0] = 250 + Math.ceil(Math.log2(bytes.length - 1)) + 2
  if (bytes.length === 3) bytes.writeUInt16LE(value, 1)
  else if (bytes.length === 5) bytes.writeUInt32LE(value, 1)
  else bytes.writeBigUInt64LE(BigInt(value), 1)
  return bytes
}

function bigVarint(value: bigint): Buffer {
  if (value <= 0xffffffffn) return varint(Number(value))
  const bytes = Buffer.alloc(9, 255)
  bytes.writeBigUInt64LE(value, 1)
  return bytes
}

/** A value of a form with its bytes. */
interface Made {
  value: unknown
  bytes: Buffer
}

/** What a leaf of a form is made as: anything, its largest, or one more than that. */
type Size = 'any' | 'most' | 'over'

/** Made from a seed; `at` numbers the leaves in order, and the one numbered `special` is made as `size`. */
class Maker {
  readonly #special: number
  readonly #size: Size
  #seed: number
  at = 0

  constructor(seed: number, special = -1, size: Size = 'any') {
    this.#seed = seed
    this.#special = special
    this.#size = size
  }

  #draw(below: number): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((this.#seed / 2 ** 32) * below)
  }

  #raw(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.#draw(256)))
  }

  make(form: Form): Made {
    const size =
      form.is === 'struct' || form.is === 'optional'
        ? 'any'
        : this.at++ === this.#special
          ? this.#size
          : 'any'
    const sized = (most: number, any: number): number =>
      size === 'any' ? Math.min(most, any) : size === 'most' ? most : most + 1
    switch (form.is) {
      case 'number': {
        const value = sized(form.most, this.#draw(2 ** [6, 14, 30, 50][this.#draw(4)]!))
        return { value, bytes: varint(value) }
      }
      case 'amount': {
        const most = 2n ** 62n - 1n
        const value =
          size === 'any'
            ? BigInt(this.#draw(2 ** 48)) << BigInt(this.#draw(13))
            : size === 'most'
              ? most
              : most + 1n
        return { value, bytes: bigVarint(value) }
      }
      case 'raw': {
        const bytes = this.#raw(size === 'over' ? form.length + 1 : form.length)
        return { value: bytes, bytes }
      }
      case 'bytes': {
        const bytes = this.#raw(sized(form.most, this.#draw(300)))
        return { value: bytes, bytes: Buffer.concat([varint(bytes.length), bytes]) }
      }
      case 'text': {
        const value =
          'ä'.repeat(this.#draw(4)) +
          'x'.repeat(sized(form.most - 8, this.#draw(9)) + (size === 'any' ? 0 : 8))
        const cut = size === 'any' ? value : 'x'.repeat(sized(form.most, 0))
        const bytes = Buffer.from(cut)
        return { value: cut, bytes: Buffer.concat([varint(bytes.length), bytes]) }
      }
      case 'word': {
        const place = size === 'over' ? form.words.length : this.#draw(form.words.length)
        return { value: form.words[place], bytes: varint(place) }
      }
      case 'optional': {
        if (this.#draw(2) === 0 && this.#special < 0) return { value: null, bytes: Buffer.from([0]) }
        const inner = this.make(form.of)
        return { value: inner.value, bytes: Buffer.concat([Buffer.from([1]), inner.bytes]) }
      }
      case 'list': {
        // Of a very long list only that it may be long is tried, by its first values.
        const items = Array.from(
          { length: form.most > 5_000 ? this.#draw(3) : sized(form.most, this.#draw(3)) },
          () => this.#item(form.of)
        )
        const bytes = items.map((item) => item.bytes)
        return {
          value: items.map(({ value }) => value),
          bytes: Buffer.concat([varint(items.length), ...bytes])
        }
      }
      case 'struct': {
        const made = form.fields.map(([name, field]) => [name, this.make(field)] as const)
        return {
          value: Object.fromEntries(made.map(([name, { value }]) => [name, value])),
          bytes: Buffer.concat(made.map(([, { bytes }]) => bytes))
        }
      }
      case 'parameters': {
        const value = parameters({ graceEpochs: this.#draw(1_000) })
        return { value, bytes: Buffer.from(encode(parametersType, value)) }
      }
    }
  }

  /** Values of a list have the same leaves, however many there are. */
  #item(form: Form): Made {
    const before = this.at
    this.at = -1_000_000
    const made = this.make(form)
    this.at = before
    return made
  }
}

/** How many leaves a form has, so that each can be made too large. */
function leaves(form: Form): number {
  const maker = new Maker(1, 1_000_000)
  maker.make(form)
  return maker.at
}

const hasMost = (form: Form): boolean => form.is !== 'parameters' && form.is !== 'raw'

/** The leaves of a form in the order in which they are made. */
function leafForms(form: Form): Form[] {
  if (form.is === 'struct') return form.fields.flatMap(([, field]) => leafForms(field))
  if (form.is === 'optional') return leafForms(form.of)
  return [form]
}

const same = (made: unknown): unknown =>
  JSON.parse(
    JSON.stringify(made, (_, value: unknown) =>
      value instanceof Uint8Array || (value as { type?: string } | null)?.type === 'Buffer'
        ? Buffer.from((value as { data?: number[] }).data ?? (value as Uint8Array)).toString('hex')
        : typeof value === 'bigint'
          ? `${value} grains`
          : value
    )
  )

const HEAD = 8
/** Every form with the type that the code has for it. */
const all: [string, Form, Type<unknown>][] = [
  ...[...operations].map(
    ([name, { form }]) =>
      [`operation ${name}`, form, bodies[name as 'tick'] as Type<unknown>] as [string, Form, Type<unknown>]
  ),
  ['detail answer', details.get('answer')!, answerDetailType]
]

test('the page names every kind of operation and of effect, and no other', () => {
  assert.deepEqual([...operations.keys()], kinds)
  assert.deepEqual([...details.keys()], ['answer'])
  const codes = [...effects.values()].map(({ code }) => code)
  assert.deepEqual(codes, [...codes.keys()])
  const next = Buffer.from([1, codes.length, ...Buffer.alloc(HEAD)])
  assert.throws(
    () => decode(effectsType, next),
    { code: 'OPERATION_MALFORMED' },
    'there is an effect that the page lacks'
  )
})

for (const [name, form, type] of all) {
  test(`${name}: its bytes are those of the page, both ways`, () => {
    assert.ok(type, 'the code knows it')
    for (let seed = 0; seed < 24; seed++) {
      const { value, bytes } = new Maker(seed * 7_919 + name.length).make(form)
      assert.equal(Buffer.from(encode(type, value)).toString('hex'), bytes.toString('hex'))
      assert.deepEqual(same(decode(type, bytes)), same(value))
      if (bytes.length > 0)
        assert.throws(() => decode(type, bytes.subarray(0, -1)), { code: 'OPERATION_MALFORMED' })
      assert.throws(() => decode(type, Buffer.concat([bytes, Buffer.alloc(1)])), {
        code: 'OPERATION_MALFORMED'
      })
    }
  })

  test(`${name}: each number, word and list may be as large as the page says, and no larger`, () => {
    const parts = leafForms(form)
    assert.equal(parts.length, leaves(form))
    for (const [at, part] of parts.entries()) {
      if (!hasMost(part)) continue
      if (part.is !== 'list' || part.most <= 5_000) {
        const over = new Maker(at, at, 'over').make(form)
        assert.throws(
          () => decode(type, over.bytes),
          { code: 'OPERATION_MALFORMED' },
          `leaf ${at} one too large`
        )
      }
      const most = new Maker(at, at, 'most').make(form)
      assert.deepEqual(same(decode(type, most.bytes)), same(most.value))
    }
  })
}

for (const [name, { code, form }] of effects) {
  test(`effect ${name}: its bytes are those of the page, both ways`, () => {
    for (let seed = 0; seed < 24; seed++) {
      const { value, bytes } = new Maker(seed * 7_919 + code).make(form)
      const effect = { kind: name, ...(value as object) } as Effect
      const wire = Buffer.concat([Buffer.from([1]), varint(code), bytes, Buffer.from([0])])
      assert.equal(
        Buffer.from(encode(effectsType, { effects: [effect], postings: [] })).toString('hex'),
        wire.toString('hex')
      )
      assert.deepEqual(same(decode(effectsType, wire)), same({ effects: [effect], postings: [] }))
    }
  })
}

test('postings are an account and a change of either sign', () => {
  const postings = [
    { account: 300, change: -2n },
    { account: 1, change: 1n }
  ]
  const bytes = Buffer.from([0, 2, 253, 44, 1, 3, 1, 2])
  assert.deepEqual(Buffer.from(encode(effectsType, { effects: [], postings })), bytes)
  assert.deepEqual(decode(effectsType, bytes), { effects: [], postings })
})

const keyPair = keyPairFromSeed(Buffer.alloc(32, 1))

test('an operation is version, sender, nonce, anchor, kind, body, signature and detail', () => {
  for (const [name, { code, form }] of operations) {
    const { value, bytes } = new Maker(code).make(form)
    const detail = details.has(name) ? new Maker(code).make(details.get(name)!).bytes : undefined
    const body = detail ? { ...(value as object), detail: detailHash(detail) } : value
    const from = {
      chainId: Buffer.alloc(32, 9),
      keyPair,
      nonce: 7,
      anchor: { seq: 5, hash: Buffer.alloc(32, 2) }
    }
    const wire = Buffer.from(
      signOperation({ kind: name, body } as Statement, detail ? { ...from, detail } : from)
    )
    const head = Buffer.concat([
      Buffer.from([2]),
      keyPair.publicKey,
      Buffer.from([7, 5]),
      Buffer.alloc(32, 2),
      varint(code)
    ])
    const tail = Buffer.concat([
      wire.subarray(head.length + bytes.length, head.length + bytes.length + 64),
      detail ?? Buffer.alloc(0)
    ])
    const inner = detail ? Buffer.concat([bytes.subarray(0, -32), Buffer.from(detailHash(detail))]) : bytes
    assert.equal(wire.toString('hex'), Buffer.concat([head, inner, tail]).toString('hex'), name)
    const read = decodeOperation(wire)
    assert.deepEqual([read.kind, read.nonce, same(read.body)], [name, 7, same(body)])
    assert.deepEqual(read.detail === null ? null : Buffer.from(read.detail), detail ?? null)
    if (detail === undefined) {
      assert.throws(() => decodeOperation(Buffer.concat([wire, Buffer.alloc(1)])), {
        code: 'OPERATION_MALFORMED'
      })
    } else {
      const pruned = wire.subarray(0, wire.length - detail.length)
      assert.equal(decodeOperation(pruned, true).detail, null)
      assert.throws(() => decodeOperation(pruned), { code: 'OPERATION_MALFORMED' })
    }
    wire[0] = 1
    assert.throws(() => decodeOperation(wire), { code: 'OPERATION_UNKNOWN' })
  }
})

test("the kinds below 16 are the chain's own", () => {
  const own = [...operations].filter(([, { code }]) => code < 16).map(([name]) => name)
  assert.deepEqual([...chainKinds], own)
})
