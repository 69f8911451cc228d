import { Counter, Gauge, type Registry } from 'prom-client'
import type { LogValue } from '../log.js'
import { DATDOT } from '../protocol/parameters.js'
import { alertNames, type Alerts } from './alerts.js'
import type { RoleStanding } from './role-watch.js'

/** What is shown of how a role stands: name, what it is, and how it follows. */
const shown: readonly [string, string, (standing: RoleStanding) => number][] = [
  ['balance_datdots', 'What the account of a role holds', ({ balance }) => datdots(balance)],
  ['deposit_datdots', 'What a role has deposited', ({ deposit }) => datdots(deposit)],
  ['locked_datdots', 'What of its deposit is locked', ({ locked }) => datdots(locked)],
  ['reputation', 'R, from 0 to 1', ({ reputationPpm }) => reputationPpm / 1e6],
  ['used_bytes', 'Encoded bytes that a role has, or has promised', ({ usedBytes }) => usedBytes],
  ['capacity_bytes', 'Most encoded bytes', ({ capacityBytes }) => capacityBytes],
  ['hypercores', 'Hypercores that a pinner serves', ({ hypercores }) => hypercores],
  ['open_challenges', 'Challenges that wait for an answer', ({ openChallenges }) => openChallenges],
  [
    'deadline_seconds',
    'Until the first deadline of an open challenge; NaN if none is open',
    ({ deadlineMs }) => (deadlineMs === null ? NaN : deadlineMs / 1000)
  ],
  ['disk_free_bytes', "What the disk of a role's folder has free", ({ freeBytes }) => freeBytes],
  ['clock_drift_seconds', "This machine's date beside the chain's", ({ driftMs }) => driftMs / 1000],
  [
    'away_seconds',
    'For how long the chain has heard nothing of a pinner that it asked; 0 while it is there',
    ({ awayMs }) => awayMs / 1000
  ],
  ['pause', '1 from when a pause is announced until it is over', ({ hasPause }) => (hasPause ? 1 : 0)],
  [
    'short_copies',
    'Copies whose substitutes were paid from what a pinner had locked; it is not drawn while there are any',
    ({ shortCopies }) => shortCopies
  ]
]

/** How roles stand, what became of their challenges, and which alerts are raised, for Prometheus. */
export class RoleMetrics {
  readonly #gauges: { gauge: Gauge<'role'>; of: (standing: RoleStanding) => number }[]
  readonly #challenges: Counter<'role' | 'outcome'>
  readonly #paid: Counter<'role'>
  readonly #alerts: Gauge<'role' | 'alert'>

  constructor(registry: Registry) {
    const registers = [registry]
    const labelNames = ['role'] as const
    this.#gauges = shown.map(([name, help, of]) => ({
      gauge: new Gauge({ name: `datdot_${name}`, help, labelNames, registers }),
      of
    }))
    this.#challenges = new Counter({
      name: 'datdot_challenges_total',
      help: 'Storage challenges of a pinner, by outcome',
      labelNames: ['role', 'outcome'] as const,
      registers
    })
    this.#paid = new Counter({
      name: 'datdot_paid_datdots_total',
      help: 'What a pinner was paid for challenges that it passed',
      labelNames,
      registers
    })
    this.#alerts = new Gauge({
      name: 'datdot_alert',
      help: '1 while an alert is raised',
      labelNames: ['role', 'alert'] as const,
      registers
    })
  }

  /** Shows how a role stands. */
  show(role: string, standing: RoleStanding, alerts: Pick<Alerts, 'raised'>): void {
    for (const { gauge, of } of this.#gauges) gauge.set({ role }, of(standing))
    const raised = new Set(alerts.raised.filter((one) => one.role === role).map(({ name }) => name))
    for (const alert of alertNames) this.#alerts.set({ role, alert }, raised.has(alert) ? 1 : 0)
  }

  /** Counts what a line of a role's log says. */
  count(role: string, event: string, { outcome, paid }: Record<string, LogValue>): void {
    if (event !== 'pinner.settled' || typeof outcome !== 'string') return
    this.#challenges.inc({ role, outcome })
    if (typeof paid === 'bigint') this.#paid.inc({ role }, datdots(paid))
  }
}

function datdots(grains: bigint): number {
  return Number(grains) / Number(DATDOT)
}
