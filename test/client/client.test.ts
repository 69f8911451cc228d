import { anchorAt } from '../../src/protocol/anchor.js'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../src/clock.js'
import { decode, encode, type Type } from '../../src/protocol/codec.js'
import { signOperation } from '../../src/protocol/operations.js'
import { verifyReceipt } from '../../src/protocol/receipt.js'
import { ChainConnection } from '../../src/client/connection.js'
import { methods, type SubmitMessage } from '../../src/protocol/rpc/messages.js'
import { HYPERCORES_PAGE, ROLES_PAGE } from '../../src/protocol/rpc/questions.js'
import { hypercoreViewType } from '../../src/protocol/rpc/views.js'
import { identity } from '../ledger/network.js'
import { rawChannel, testChain } from '../chain/chain.js'
import { closeAfter } from '../helpers/close-after.js'
import { createDht } from '../../src/swarm/dht.js'

const to = identity('somebody').publicKey

test('an operation gets a receipt that the chain signed; a refused one its code, and changes nothing', async (t) => {
  const chain = await testChain(t)
  const supporter = chain.client('supporter')
  const receipt = await supporter.transfer(to, 5n)
  assert.ok(verifyReceipt(await supporter.chainId(), supporter.chainKey, receipt))
  const before = chain.network.ledger.length()
  await assert.rejects(supporter.transfer(to, 1n << 61n), { name: 'ChainError', code: /^[A-Z_]+$/ })
  assert.equal(chain.network.ledger.length(), before)
  assert.equal((await supporter.account(to)).balance, 5n)
  const { chain: view } = await supporter.info()
  assert.deepEqual(view.head, chain.network.ledger.chain().head)
})

test('operations submitted together follow each other, also where one of them is refused', async (t) => {
  const chain = await testChain(t)
  const supporter = chain.client('supporter')
  const all = Array.from({ length: 200 }, (_, i) => supporter.transfer(to, i % 50 === 7 ? 1n << 61n : 1n))
  const results = await Promise.allSettled(all)
  assert.equal(results.filter(({ status }) => status === 'rejected').length, 4)
  assert.equal((await supporter.account(to)).balance, 196n)
  const seqs = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.seq] : []))
  assert.equal(new Set(seqs).size, 196)
})

test('two processes with one key find their nonces', async (t) => {
  const chain = await testChain(t)
  const [one, two] = [chain.client('supporter'), chain.client('supporter')]
  await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? one : two).transfer(to, 1n)))
  assert.equal((await one.account(to)).balance, 20n)
})

test('the same bytes sent twice are applied once, and get the same receipt', async (t) => {
  const chain = await testChain(t)
  const supporter = identity('supporter')
  const { channel, end } = await rawChannel(chain, 'supporter')
  closeAfter(t, end)
  const wire = signOperation(
    { kind: 'transfer', body: { to, amount: 5n } },
    {
      chainId: chain.network.ledger.chainId,
      keyPair: supporter,
      nonce: 0,
      anchor: anchorAt(chain.network.ledger.chain())
    }
  )
  const send = async (again: number): Promise<SubmitMessage[]> => {
    const body = encode(methods.submit.request, { wires: [wire], again })
    const answer = await channel.request(methods.submit.code, body, { timeoutMs: 5000 })
    return decode(methods.submit.response, answer)
  }
  const first = await send(0)
  assert.deepEqual(await send(1), first)
  assert.equal((await send(0))[0]!.code, 'NONCE_WRONG')
  assert.equal(chain.network.ledger.account(to).balance, 5n)
})

test('a receipt that the chain owed when it ended is given after its restart, and nothing is applied twice', async (t) => {
  const chain = await testChain(t)
  const keyPair = identity('supporter')
  const { chainId } = chain.network.ledger
  const anchor = anchorAt(chain.network.ledger.chain())
  const wire = signOperation(
    { kind: 'transfer', body: { to, amount: 5n } },
    { chainId, keyPair, nonce: 0, anchor }
  )
  // Committed, but the process ends before it could answer.
  const [committed] = chain.network.ledger.submit([wire])
  await chain.restart()
  const { channel, end } = await rawChannel(chain, 'supporter')
  closeAfter(t, end)
  const body = encode(methods.submit.request, { wires: [wire], again: 1 })
  const answer = await channel.request(methods.submit.code, body, { timeoutMs: 5000 })
  const [result] = decode(methods.submit.response, answer)
  assert.ok(committed?.ok)
  assert.deepEqual(result?.receipt, committed.receipt)
  assert.equal(chain.network.ledger.account(to).balance, 5n)
})

test('a subscriber gets every entry once, in order, while the chain is restarted and grows', async (t) => {
  const chain = await testChain(t)
  const [subscriber, supporter] = [chain.client('subscriber'), chain.client('supporter')]
  const seen: { seq: number; effects: boolean }[] = []
  const abort = new AbortController()
  const reading = (async () => {
    for await (const event of subscriber.events({ from: 0, signal: abort.signal })) {
      seen.push({ seq: event.seq, effects: event.effects !== null })
      if (event.seq >= 60) break
    }
  })()
  for (let i = 0; i < 60; i++) {
    if (i % 20 === 10) await chain.restart()
    await supporter.transfer(to, 1n)
  }
  await reading
  assert.deepEqual(
    seen,
    Array.from({ length: 61 }, (_, seq) => ({ seq, effects: true }))
  )
  const again: number[] = []
  for await (const { seq } of subscriber.events({ from: 58 })) if (again.push(seq) === 3) break
  assert.deepEqual(again, [58, 59, 60])
})

test('a subscription ends when it is told to, and every request when the client is closed', async (t) => {
  const chain = await testChain(t)
  const client = chain.client('subscriber')
  const abort = new AbortController()
  const events = client.events({ from: 1, signal: abort.signal }).next()
  await client.info()
  abort.abort()
  await assert.rejects(events, { name: 'AbortError' })
  const waiting = client.events({ from: 1 }).next()
  await client.info()
  await client.close()
  await assert.rejects(waiting, { code: 'RPC_CLOSED' })
  await assert.rejects(client.info(), { code: 'RPC_CLOSED' })
})

test('a chain that nobody runs is reported within the time that was given', async (t) => {
  const chain = await testChain(t)
  const dht = createDht({ bootstrap: chain.bootstrap, host: '127.0.0.1' })
  const nobody = identity('nobody')
  const connection = new ChainConnection({
    connect: () => dht.connect(nobody.publicKey),
    clock: systemClock,
    random: () => 0
  })
  closeAfter(t, async () => {
    await connection.close()
    await dht.destroy()
  })
  await assert.rejects(connection.call('info', {}, { timeoutMs: 300 }), { code: 'RPC_TIMEOUT' })
})

test('checks, assignments and challenges are told to the key of the connection alone', async (t) => {
  const chain = await testChain(t, { names: ['verifier-1', 'verifier-2', 'signer', 'pinner'] })
  for (const name of ['verifier-1', 'verifier-2', 'signer', 'pinner']) {
    chain.network.register(name, name.split('-')[0] as 'signer')
  }
  await chain.tick(3)
  chain.network.sponsor('film', { copies: 1 })
  const clients = new Map(
    ['verifier-1', 'verifier-2', 'signer', 'pinner', 'stranger'].map((name) => [name, chain.client(name)])
  )
  await chain.until('somebody is to check', async () => {
    chain.network.work()
    const { ledger } = chain.network
    const [epoch] = ledger.checkEpochs()
    return epoch && ledger.checks(identity('verifier-1').publicKey, epoch.epoch).length > 0
  })
  const { ledger } = chain.network
  for (const [name, client] of clients) {
    const { publicKey } = identity(name)
    for (const { epoch } of ledger.checkEpochs()) {
      assert.deepEqual(
        await client.checks(epoch, 1024),
        name.startsWith('verifier') ? ledger.checks(publicKey, epoch) : []
      )
    }
    assert.deepEqual(await client.assignments(), ledger.assignments(publicKey))
    assert.deepEqual(await client.challenges(256), ledger.challenges(publicKey))
  }
})

test('every question is answered as the ledger answers it', async (t) => {
  const chain = await testChain(t, { names: ['signer', 'pinner'] })
  const { ledger } = chain.network
  chain.network.register('signer', 'signer')
  chain.network.register('pinner', 'pinner')
  await chain.tick(3)
  const key = chain.network.sponsor('film', { copies: 1 })
  await chain.until('the copy is challenged', () => {
    chain.network.work({ outcome: () => 'silent' })
    return ledger.challenges(identity('pinner').publicKey)[0]
  })
  const client = chain.client('pinner')
  const [challenge] = await client.challenges(256)
  assert.deepEqual(await client.challenge(challenge!.id), ledger.challenge(challenge!.id))
  assert.deepEqual(await client.hypercore(key), ledger.hypercore(key))
  assert.deepEqual(await client.hypercores(), ledger.hypercores().rows)
  assert.deepEqual(await client.copy(challenge!.copy), ledger.copy(challenge!.copy))
  assert.deepEqual(await client.roles(), ledger.roles().rows)
  assert.deepEqual(await client.summary(), ledger.summary())
  assert.deepEqual(await client.beaconValue(1), ledger.beaconValue(1))
  const { draw } = ledger.copy(challenge!.copy)!.segments[0]!
  assert.deepEqual(await client.draw(draw), ledger.draw(draw))
  assert.equal(await client.copy(9999), null)
  assert.equal(await client.hypercore(Buffer.alloc(32)), null)
  assert.equal(await client.beaconValue(1_000_000), null)
  assert.equal(await client.findEvidence(9999), null)
})

test('more roles and hypercores than a page holds come page by page', async (t) => {
  const names = Array.from({ length: ROLES_PAGE + 3 }, (_, i) => `verifier-${i}`)
  const chain = await testChain(t, { names })
  const { network } = chain
  for (const name of names) network.register(name, 'verifier')
  const keys = Array.from({ length: HYPERCORES_PAGE + 3 }, (_, i) =>
    network.sponsor(`film ${i}`, { copies: 1 }, 1_000n)
  )
  const client = chain.client('subscriber')
  const roles = await client.roles()
  assert.deepEqual(
    roles,
    names.flatMap((name) => network.ledger.account(identity(name).publicKey).roles)
  )
  const hypercores = await client.hypercores()
  assert.deepEqual(
    hypercores,
    keys.map((key) => network.ledger.hypercore(key))
  )
  const { channel, end } = await rawChannel(chain, 'subscriber')
  closeAfter(t, end)
  for (const [method, most] of [
    [methods.roles, ROLES_PAGE],
    [methods.hypercores, HYPERCORES_PAGE]
  ] as const) {
    const body = encode(method.request, [null])
    const answer = await channel.request(method.code, body, { timeoutMs: 5000 })
    assert.equal(decode(method.response as Type<{ rows: unknown[] }>, answer).rows.length, most)
  }
  // Where rows are large a page ends at its bytes, but never without a row.
  const { byteLength } = encode(hypercoreViewType, hypercores[0]!)
  for (const [bytes, rows] of [
    [1, 1],
    [Math.floor(2.5 * byteLength), 2]
  ] as const) {
    const first = network.ledger.hypercores(null, bytes)
    assert.deepEqual(first.rows, hypercores.slice(0, rows))
    const second = network.ledger.hypercores(first.next, bytes)
    assert.deepEqual(second.rows, hypercores.slice(rows, 2 * rows))
  }
})

test('hostile requests get errors, and the chain goes on', async (t) => {
  const chain = await testChain(t, { quotas: { offences: 40 } })
  const { channel, end } = await rawChannel(chain, 'hostile')
  closeAfter(t, end)
  const codes = new Set<string>()
  const send = (method: number, body: Buffer): Promise<unknown> =>
    channel
      .request(method, body, { timeoutMs: 5000 })
      .catch((error: { code: string }) => codes.add(error.code))
  for (const { code } of Object.values(methods)) await send(code, Buffer.alloc(70, 0xff))
  await send(9999, Buffer.alloc(0))
  // Operations that are none: refused one by one inside a request that is well formed.
  const wires = [Buffer.alloc(0), Buffer.alloc(500, 1), Buffer.alloc(100_000, 7)]
  const body = await channel.request(
    methods.submit.code,
    encode(methods.submit.request, { wires, again: 1 }),
    {
      timeoutMs: 5000
    }
  )
  assert.ok(body.byteLength > 0)
  for (let i = 0; i < 60; i++) await send(9999, Buffer.alloc(1000))
  assert.deepEqual(codes, new Set(['RPC_MALFORMED', 'RPC_METHOD', 'RPC_CLOSED']))
  assert.equal(chain.network.ledger.length(), 1)
  assert.equal((await chain.client('supporter').info()).chain.length, 1)
})

test('a client that was quiet for long signs over what the log has now', async (t) => {
  const chain = await testChain(t, { parameters: { anchorEntries: 2, anchorMs: 1_000 } })
  const supporter = chain.client('supporter')
  const { seq, entry } = await supporter.transfer(to, 1n)
  await chain.tick(20)
  const { ledger } = chain.network
  const old = {
    chainId: ledger.chainId,
    keyPair: identity('supporter'),
    nonce: 1,
    anchor: { seq, hash: entry }
  }
  const [result] = ledger.submit([signOperation({ kind: 'transfer', body: { to, amount: 1n } }, old)])
  assert.ok(!result!.ok)
  assert.equal(result!.error.code, 'ANCHOR_OLD')
  await supporter.transfer(to, 1n)
  assert.equal((await supporter.account(to)).balance, 2n)
})

test('a client does not sign over a log that has lost what it saw', async (t) => {
  const chain = await testChain(t, { parameters: { anchorEntries: 2, anchorMs: 1_000 } })
  const supporter = chain.client('supporter')
  const { seq } = await supporter.transfer(to, 1n)
  await chain.tick(20)
  chain.network.ledger.state.db.run('UPDATE entries SET hash = ? WHERE seq = ?', Buffer.alloc(32), seq)
  await assert.rejects(supporter.transfer(to, 1n), { code: 'CHAIN_REWRITTEN' })
})
