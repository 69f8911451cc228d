/** There is no compiled code here. */
export const loadAddon: (name: string) => unknown = () => undefined
