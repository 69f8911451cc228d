/** In which form a check runs, as scripts/check.mjs says: what is long, or what CI has time for. */
export const SHORT = process.env.DATDOT_CHECK === 'short'
