import assert from 'node:assert/strict'
import test from 'node:test'
import type { Ledger } from '../../src/ledger/ledger.js'
import { using } from '../../src/lifecycle.js'
import { brokenIn } from './invariants.js'
import { scenarios } from './scenarios/index.js'
import { MINUTE_MS, Simulation } from './simulation.js'
import { actionsOf, replay, shrink, told } from './trace.js'

test('a trace shrinks to what is needed to break what it broke', async () => {
  const simulation = new Simulation({ seed: 1, scenario: scenarios.find(({ name }) => name === 'honest')! })
  await using(simulation, async () => {
    await simulation.live(12 * MINUTE_MS)
    const { origin, names } = simulation
    const actions = actionsOf(simulation.steps)
    assert.ok(actions.length > 10)
    assert.equal(replay(origin, actions, brokenIn), null)
    const asked = ({ state }: Ledger): string[] =>
      state.db.all('SELECT 1 FROM hypercores WHERE length = 24').length > 1
        ? ['there are not two hypercores']
        : []
    const shortest = shrink(origin, actions, asked)
    assert.deepEqual(
      shortest.map((action) => told(action, names).split(' ').slice(1, 3).join(' ')),
      ['supporter: sponsor', 'supporter: sponsor']
    )
  })
})

test('each thing that always holds is missed when it does not', async () => {
  const simulation = new Simulation({ seed: 2, scenario: scenarios.find(({ name }) => name === 'honest')! })
  await using(simulation, async () => {
    await simulation.live(75 * MINUTE_MS)
    const { ledger } = simulation.chain
    assert.deepEqual(brokenIn(ledger), [])
    const { db } = ledger.state
    const breaks: Record<string, string> = {
      'all accounts sum to zero': 'UPDATE accounts SET balance = balance + 1 WHERE id = 3',
      'what is locked is what copies, tasks and segments say':
        'UPDATE roles SET locked = locked + 1 WHERE role = 1',
      'what is reserved is what tasks, segments and bounties say':
        'UPDATE segments SET reserved = reserved + 1',
      'a live copy is as long as its segments': 'UPDATE copies SET length = length + 1 WHERE state = 1',
      'the bytes of a live copy are those of its segments':
        'UPDATE copies SET bytes = bytes + 1 WHERE state = 1',
      'nothing is minted that was not burned':
        'UPDATE accounts SET balance = balance - 1000000000 WHERE kind = 1'
    }
    for (const [name, sql] of Object.entries(breaks)) {
      db.run('SAVEPOINT broken')
      db.run(sql)
      assert.ok(brokenIn(ledger).includes(name), name)
      db.run('ROLLBACK TO broken')
      db.run('RELEASE broken')
    }
  })
})
