import test from 'node:test'
import assert from 'node:assert/strict'
import { auditFile } from '../../src/audit/file.js'
import { modulusBytes, seededPrimes } from '../crypto/weak-keys.js'
import { shapedModulus } from '../helpers/moduli.js'
import { TestNetwork, identity } from '../ledger/network.js'
import { closeAfter } from '../helpers/close-after.js'

const names = ['signer-1', 'signer-2', 'pinner-1', 'pinner-2']

test('an audit names the live segments whose moduli share a prime, and no other', async (t) => {
  const network = new TestNetwork({}, names)
  closeAfter(t, () => network.close())
  for (const name of names) network.register(name, name.split('-')[0] as 'signer')
  network.tick(3)
  for (const film of ['one', 'two', 'three']) network.sponsor(film, { copies: 1, codec: 'seal' })
  const [prime, p, q] = seededPrimes([1024, 1024, 1024], 5)
  const moduli = [modulusBytes(prime! * p!), shapedModulus('good'), modulusBytes(prime! * q!)]
  const sharing: number[] = []
  for (let n = 0; n < 30 && moduli.length > 0; n++) {
    network.tick()
    network.acknowledge()
    const all = names.flatMap((name) => network.ledger.assignments(identity(name).publicKey))
    for (const of of all.filter(({ role, task }) => role === 'pinner' && task.state === 'delivering')) {
      const publicKey = moduli.shift()
      if (!publicKey) break
      network.accept(of, { publicKey })
      if (moduli.length !== 1) sharing.push(of.copy)
    }
  }
  const { ok, moduli: found } = await auditFile(network.path)
  assert.ok(ok)
  assert.deepEqual([found?.checked, found?.left], [3, 0])
  assert.deepEqual(found?.shared.map(({ copy }) => copy).sort(), sharing.sort())
})
