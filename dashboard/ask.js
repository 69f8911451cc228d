import { useEffect, useState } from 'preact/hooks'

/** What the API answers. @throws Error with the catalogue's words */
export async function ask(path) {
  const response = await fetch(`./api/v1${path}`, { headers: { accept: 'application/json' } })
  const body = await response.json()
  if (!response.ok) {
    const message = `${body.message} [${body.code}]. ${body.remedy}`
    throw Object.assign(new Error(message), { status: response.status })
  }
  return body
}

/** The stream of the chain's events: who listens is told whether it flows, who watches is called when the history has grown. */
class Live {
  #listeners = new Set()
  #watchers = new Set()
  #standing = 'connecting'

  constructor() {
    this.#open()
  }

  #open() {
    const source = new EventSource('./api/v1/stream')
    source.onopen = () => {
      this.#say('live')
      this.#grown()
    }
    source.onerror = () => {
      this.#say('not connected, trying again')
      // Where the answer was no stream, as behind a proxy whose server is away, a browser does not try again by itself.
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.#open(), AGAIN_MS)
    }
    source.addEventListener('grown', () => this.#grown())
  }

  #grown() {
    for (const watcher of this.#watchers) watcher()
  }

  listen(listener) {
    this.#listeners.add(listener)
    listener(this.#standing)
    return () => this.#listeners.delete(listener)
  }

  watch(watcher) {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  #say(standing) {
    this.#standing = standing
    for (const listener of this.#listeners) listener(standing)
  }
}

/** How often an answer is asked for again at the most. */
const APART_MS = 1_000
/** Pause before what failed is tried again. */
const AGAIN_MS = 3_000

export const live = new Live()

/** An answer that is asked for again whenever the log has grown, while it is shown; one question at a time. */
export function useAnswer(path) {
  const [answer, set] = useState({})
  useEffect(() => {
    let over = false
    let asking = false
    let again = false
    const look = async () => {
      if (asking) return void (again = true)
      asking = true
      do {
        again = false
        let ms = APART_MS
        try {
          const value = await ask(path)
          if (!over) set({ value })
        } catch (error) {
          if (!over) set(({ value }) => ({ value, error }))
          // It is as it is, whoever asks again; all else passes.
          again = !(error.status >= 400 && error.status < 429)
          ms = AGAIN_MS
        }
        await new Promise((done) => setTimeout(done, ms))
      } while (again && !over)
      asking = false
    }
    look()
    const stop = live.watch(look)
    return () => {
      over = true
      stop()
    }
  }, [path])
  return answer
}
