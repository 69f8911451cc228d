import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testChain } from '../chain/chain.js'

const [one, other] = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)]

test('a copy of a folder is refused while another is heard, and takes its place when that is gone', async (t) => {
  const chain = await testChain(t)
  const first = chain.client('supporter', { instance: one })
  const second = chain.client('supporter', { instance: other })
  await first.info()
  await assert.rejects(second.info(), { name: 'PeerError', code: 'INSTANCE_ELSEWHERE' })
  await assert.rejects(second.transfer(Buffer.alloc(32, 9), 1n), { code: 'INSTANCE_ELSEWHERE' })
  await first.close()
  const asked = (): Promise<boolean> =>
    second.info().then(
      () => true,
      () => false
    )
  await chain.until('the second copy speaks', asked, false)
  await second.transfer(Buffer.alloc(32, 9), 1n)
})

test('the same copy that comes back speaks at once, and what it had before is closed', async (t) => {
  const chain = await testChain(t)
  const before = chain.client('supporter', { instance: one })
  await before.info()
  const again = chain.client('supporter', { instance: one })
  await again.info()
  await chain.until('the old connection is closed', () => chain.service.connections === 1, false)
})

test('who does not say which copy speaks, such as a command beside a running role, is kept out of nothing', async (t) => {
  const chain = await testChain(t)
  await chain.client('supporter', { instance: one }).info()
  const command = chain.client('supporter')
  await command.transfer(Buffer.alloc(32, 9), 1n)
  assert.equal(chain.network.ledger.account(Buffer.alloc(32, 9)).balance, 1n)
})
