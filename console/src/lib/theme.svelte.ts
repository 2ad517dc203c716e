/** Light or dark: as the system has it, or as the user chose. */

export type Theme = 'auto' | 'light' | 'dark';

const KEY = 'reprise.theme';

function stored(): Theme {
  const word = window.localStorage.getItem(KEY);
  return word === 'light' || word === 'dark' ? word : 'auto';
}

let chosen = $state<Theme>(stored());
document.documentElement.dataset['theme'] = stored();

export const theme = {
  get chosen(): Theme {
    return chosen;
  },
  set chosen(next: Theme) {
    chosen = next;
    window.localStorage.setItem(KEY, next);
    document.documentElement.dataset['theme'] = next;
  },
};
