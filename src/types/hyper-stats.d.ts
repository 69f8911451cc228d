/** The part of the statistics packages that datdot calls; they ship no types of their own. */
declare module 'hyperswarm-stats' {
  import type Hyperswarm from 'hyperswarm'

  export default class HyperswarmStats {
    constructor(swarm: Hyperswarm)
    /** Makes gauges of the swarm and of its DHT node, with the client's `Gauge`. */
    registerPrometheusMetrics(client: { Gauge: unknown }): void
  }
}

declare module 'hypercore-stats' {
  import type Corestore from 'corestore'

  export default class HypercoreStats {
    /** Counts all hypercores of a store, while they are open. */
    static fromCorestore(store: Corestore): HypercoreStats
    registerPrometheusMetrics(client: { Gauge: unknown }): void
  }
}
