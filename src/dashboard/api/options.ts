import type { Dashboard } from '../dashboard.js'

export interface ApiOptions {
  /** The dashboard, once there is one. */
  dashboard: () => Dashboard | null
  /** Names that the server goes by, beside localhost and addresses. */
  names?: readonly string[]
  requests?: { max: number; windowMs: number }
}
