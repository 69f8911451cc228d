/** Answers that are kept while the log stands still, and their bytes. */
const KEPT_MAX = 1_024
const KEPT_BYTES = 16 << 20

/** A finished answer. */
export interface KeptAnswer {
  body: string
  etag: string
}

/** Answers as they were made since the log grew last: a hundred readers of a page cost one look. */
export class KeptAnswers {
  readonly #answers = new Map<string, Promise<KeptAnswer>>()
  #version: number | undefined
  #bytes = 0

  /** @param version of what all answers were made from. `make`: called once for each address */
  get(version: number, address: string, make: () => Promise<KeptAnswer>): Promise<KeptAnswer> {
    if (version !== this.#version || this.#answers.size >= KEPT_MAX || this.#bytes > KEPT_BYTES) {
      this.#answers.clear()
      this.#bytes = 0
      this.#version = version
    }
    let answer = this.#answers.get(address)
    if (!answer) {
      this.#answers.set(address, (answer = make()))
      answer.then(
        ({ body }) => (this.#bytes += body.length),
        () => this.#answers.delete(address)
      )
    }
    return answer
  }
}
