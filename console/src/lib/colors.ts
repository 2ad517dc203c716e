/** Colours that the API takes by name. */
const NAMES: Record<string, string> = {
  black: '#000000',
  white: '#ffffff',
  gray: '#808080',
  grey: '#808080',
  silver: '#c0c0c0',
  red: '#ff0000',
  maroon: '#800000',
  orange: '#ffa500',
  yellow: '#ffff00',
  olive: '#808000',
  lime: '#00ff00',
  green: '#008000',
  aqua: '#00ffff',
  teal: '#008080',
  blue: '#0000ff',
  navy: '#000080',
  fuchsia: '#ff00ff',
  purple: '#800080',
};

/** A colour of the API as `<input type="color">` has it. Black where there is none. */
export function color(told: string): string {
  const named = NAMES[told.toLowerCase()];
  const digits = /^(?:#|0x)([0-9a-f]{6})$/i.exec(told)?.[1];
  return named ?? (digits ? `#${digits.toLowerCase()}` : '#000000');
}
