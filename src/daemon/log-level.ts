import { throughLog, type Logger } from '../log.js'

/** From what somebody must mend to what only helps to find out. */
export const logLevels = ['error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof logLevels)[number]

/** What does not say its level by its name. */
const LEVELS: Readonly<Record<string, LogLevel>> = {
  'alert.raised': 'error',
  'chain.checks-failed': 'error',
  'chain.publish-failed': 'error',
  'chain.settle-failed': 'error',
  'chain.tick-failed': 'error',
  'pinner.block-lost': 'error',
  'pinner.copy-lost': 'error',
  'role.degraded': 'error',
  'pinner.copy-missing': 'error',
  'role.elsewhere': 'error',
  'chain.tick-slow': 'warn',
  'pinner.capacity-cut': 'warn',
  'pinner.objects': 'warn',
  'pinner.intake-paused': 'warn',
  'role.no-chain': 'warn',
  'role.penalised': 'warn',
  'role.reopening': 'warn',
  'role.waiting': 'warn',
  'signer.out-of-time': 'warn',
  'pinner.provable': 'debug',
  'pinner.settled': 'debug',
  'pinner.tail': 'debug',
  'signer.sending': 'debug',
  'verifier.measured': 'debug'
}
const OF_TROUBLE =
  /(failed|refused|lost|dropped|interrupted|late|left-out|ignored|unsent|unserved|not-found)$/

/** How much an event matters. What failed and is not known better is a warning: it is tried again. */
export function levelOf(event: string): LogLevel {
  return LEVELS[event] ?? (OF_TROUBLE.test(event) ? 'warn' : 'info')
}

/** A log of which every line says its level, without those that matter less than `level`. */
export function atLevel(log: Logger, level: LogLevel): Logger {
  const most = logLevels.indexOf(level)
  return throughLog(log, (event, facts, write) => {
    const own = levelOf(event)
    if (logLevels.indexOf(own) <= most) write(event, { level: own, ...facts })
  })
}
