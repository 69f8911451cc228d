/** Child process of RoleProcess: one role, whose log goes to standard output, until it is killed. */
import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { systemClock } from '../../src/clock.js'
import { createLogger } from '../../src/log.js'
import { registrationOf } from '../../src/local/economy.js'
import { participantOf, type ParticipantRole } from '../../src/roles/participants.js'
import type { RoleProcessOptions } from './process.js'

const role = process.argv[2] as ParticipantRole
const { dir, bootstrap, chainKey, ...options } = JSON.parse(process.argv[3]!) as RoleProcessOptions
const participant = participantOf(role, {
  dir,
  network: { bootstrap, host: '127.0.0.1' },
  chainKey: Buffer.from(chainKey, 'hex'),
  clock: systemClock,
  randomBytes,
  // Synchronous: what was said is with the parent before anything else can happen.
  log: createLogger((line) => writeSync(1, line), Date.now),
  registration: registrationOf(role),
  memoryBytes: 16 << 20,
  threads: 1,
  ...options
})
await participant.ready()
await participant.join()
