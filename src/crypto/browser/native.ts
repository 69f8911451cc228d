/** There is no compiled code here. */
export function loadAddon(): unknown {
  return undefined
}
