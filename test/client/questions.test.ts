import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChainClient } from '../../src/client/client.js'
import { Ledger } from '../../src/ledger/ledger.js'
import { decode, encode } from '../../src/protocol/codec.js'
import { methods } from '../../src/protocol/rpc/messages.js'
import { questions, type Form, type Question, type QuestionName } from '../../src/protocol/rpc/questions.js'
import { rawChannel, testChain } from '../chain/chain.js'
import { identity } from '../ledger/network.js'
import { closeAfter } from '../helpers/close-after.js'

const names = Object.keys(questions) as QuestionName[]
const rowOf = (name: QuestionName): Question<unknown[], unknown, Form> => questions[name]

/** Arguments that a question takes: each the first of `candidates` that its codec lets through. */
function argumentsOf(
  { arity, request }: Question<unknown[], unknown, Form>,
  candidates: unknown[]
): unknown[] {
  const all = Array.from({ length: arity }).reduce<unknown[][]>(
    (known) => known.flatMap((args) => candidates.map((next) => [...args, next])),
    [[]]
  )
  const fits = (args: unknown[]): boolean => {
    try {
      return encode(request, args).byteLength >= 0
    } catch {
      return false
    }
  }
  return all.find(fits) ?? assert.fail('no candidate fits')
}

test('every question of the table is a method of the ledger and of the client, and nothing else is written for it', () => {
  for (const name of names) {
    assert.equal(typeof Reflect.get(Ledger.prototype, name), 'function', `the ledger does not answer ${name}`)
    assert.equal(
      typeof Reflect.get(ChainClient.prototype, name),
      'function',
      `the client does not ask ${name}`
    )
    for (const { prototype } of [Ledger, ChainClient]) {
      assert.ok(!Object.hasOwn(prototype, name), `${name} is written a second time`)
    }
  }
})

test('no two methods of the protocol have one number, and a question is a method under its name', () => {
  const codes = Object.values(methods).map(({ code }) => code)
  assert.equal(new Set(codes).size, codes.length)
  assert.deepEqual(
    names.map((name) => methods[name]),
    names.map((name) => questions[name])
  )
})

test('the chain answers every question of the table as its ledger does, to a client and on the wire', async (t) => {
  const chain = await testChain(t, { names: ['signer', 'pinner'] })
  const { ledger } = chain.network
  chain.network.register('signer', 'signer')
  chain.network.register('pinner', 'pinner')
  chain.network.sponsor('film', { copies: 1 })
  const client = chain.client('pinner')
  const key = identity('pinner').publicKey
  const { channel, end } = await rawChannel(chain, 'pinner')
  closeAfter(t, end)
  for (const name of names) {
    const row = rowOf(name)
    const args = argumentsOf(row, [null, key, 1])
    const ask = Reflect.get(ledger, name) as (...args: unknown[]) => unknown
    const expected = ask.call(ledger, ...(row.form === 'own' ? [key] : []), ...args)
    const body = await channel.request(row.code, encode(row.request, args), { timeoutMs: 5000 })
    assert.deepEqual(decode(row.response, body), expected, name)
    const asked = Reflect.get(client, name) as (...args: unknown[]) => Promise<unknown>
    const answer = await asked.call(client, ...(row.form === 'paged' ? [] : args))
    assert.deepEqual(answer, row.form === 'paged' ? (expected as { rows: unknown[] }).rows : expected, name)
  }
})

test('options of a call come after the arguments of every question', async (t) => {
  const chain = await testChain(t)
  const client = chain.client('pinner')
  const reason = new Error('enough')
  const signal = AbortSignal.abort(reason)
  for (const name of names) {
    const row = rowOf(name)
    const args = row.form === 'paged' ? [] : argumentsOf(row, [null, identity('pinner').publicKey, 1])
    const asked = Reflect.get(client, name) as (...args: unknown[]) => Promise<unknown>
    await assert.rejects(asked.call(client, ...args, { signal }), reason, name)
  }
})
