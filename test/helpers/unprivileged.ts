/** Somebody who owns nothing here. */
const NOBODY = 65_534

/**
 * Runs `work` as a user who may do only what permissions allow: root may do all, so it becomes nobody meanwhile. What
 * `work` needs has to be loaded before.
 */
export async function unprivileged<T>(work: () => Promise<T> | T): Promise<T> {
  if (process.geteuid?.() !== 0) return work()
  process.seteuid!(NOBODY)
  try {
    return await work()
  } finally {
    process.seteuid!(0)
  }
}
