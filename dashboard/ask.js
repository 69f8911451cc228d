import { useEffect, useState } from 'preact/hooks'

/** What the API answers. @throws Error with the catalogue's words */
export async function ask(path) {
  const response = await fetch(`./api/v1${path}`, { headers: { accept: 'application/json' } })
  const body = await response.json()
  if (!response.ok) throw new Error(`${body.message} [${body.code}]. ${body.remedy}`)
  return body
}

/** The stream of the chain's events: who listens is told whether it flows, who watches is called when the history has grown. */
class Live {
  #listeners = new Set()
  #watchers = new Set()
  #standing = 'connecting'

  constructor() {
    const source = new EventSource('./api/v1/stream')
    source.onopen = () => this.#say('live')
    source.onerror = () => this.#say('not connected, trying again')
    source.addEventListener('grown', () => {
      for (const watcher of this.#watchers) watcher()
    })
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

export const live = new Live()

/** How often an answer is asked for again at the most. */
const APART_MS = 1_000

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
        try {
          const value = await ask(path)
          if (!over) set({ value })
        } catch (error) {
          if (!over) set(({ value }) => ({ value, error }))
        }
        await new Promise((done) => setTimeout(done, APART_MS))
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
