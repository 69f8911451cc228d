declare module 'autocannon' {
  interface Result {
    requests: { total: number }
    latency: { p99: number }
    errors: number
    timeouts: number
    '2xx': number
    '3xx': number
    '4xx': number
    '5xx': number
  }
  /** @param options.duration seconds */
  export default function autocannon(options: {
    url: string
    connections: number
    duration: number
  }): Promise<Result>
}
