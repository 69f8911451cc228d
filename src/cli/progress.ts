import type { Clock, Timer } from '../clock.js'
import { printable } from './printable.js'

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const FRAME_MS = 100
/** Of a terminal that does not say, or says that it has none. */
const WIDTH = 80

/** What long work tells the person who waits for it. */
export interface Progress {
  /** A new step begins; the one before it is done. */
  step(title: string): void
  /** How far the step has come. */
  detail(text: string): void
  /** Something that stays on the screen. */
  note(text: string): void
  /** The last step is done, or was given up. */
  end(ok: boolean): void
}

/** Where nobody watches: only notes are written, one line each. */
export function quietProgress(stream: NodeJS.WritableStream): Progress {
  return {
    step: () => {},
    detail: () => {},
    note: (text) => void stream.write(printable(text) + '\n'),
    end: () => {}
  }
}

/** One live line on a terminal; each finished step leaves a line with the time it took. */
export function liveProgress(stream: NodeJS.WritableStream & { columns?: number }, clock: Clock): Progress {
  let title: string | undefined
  let text = ''
  let startedAt = 0
  let frame = 0
  let timer: Timer | undefined

  const draw = (): void => {
    if (title === undefined) return
    const line = `${FRAMES[frame++ % FRAMES.length] ?? ''} ${title}${text === '' ? '' : `: ${text}`}`
    stream.write('\r\x1b[2K' + fit(line, (stream.columns || WIDTH) - 1))
  }
  const finish = (mark: string): void => {
    if (title === undefined) return
    const seconds = ((clock.now() - startedAt) / 1000).toFixed(1)
    stream.write(`\r\x1b[2K${mark} ${title}${text === '' ? '' : `: ${text}`} (${seconds} s)\n`)
    title = undefined
  }
  return {
    step(next) {
      finish('✓')
      title = printable(next)
      text = ''
      startedAt = clock.now()
      timer ??= clock.every(FRAME_MS, draw).unref()
      draw()
    },
    detail(next) {
      text = printable(next)
    },
    note(line) {
      stream.write(`\r\x1b[2K${printable(line)}\n`)
      draw()
    },
    end(ok) {
      finish(ok ? '✓' : '✗')
      timer?.cancel()
      timer = undefined
    }
  }
}

function fit(line: string, columns: number): string {
  const letters = [...line]
  return letters.length <= columns ? line : letters.slice(0, Math.max(0, columns - 1)).join('') + '…'
}
