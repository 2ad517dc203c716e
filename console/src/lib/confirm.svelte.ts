/** A question before something is lost. */

import { t } from './i18n.svelte';

export interface Question {
  title: string;
  /** What will be lost, and whether it comes back; a line is a paragraph. */
  text: string;
  /** What the button says. */
  action: string;
  danger: boolean;
  /** What the other button says. */
  cancel?: string;
  /** What can be done beside it. */
  also?: string;
}

/** What was answered: `also` where that was chosen as well. */
type Answer = 'no' | 'yes' | 'also';

let asked = $state.raw<Question & { answer: (answer: Answer) => void }>();

export const question = {
  get asked(): typeof asked {
    return asked;
  },
};

function put(of: Question): Promise<Answer> {
  return new Promise((resolve) => {
    asked = {
      ...of,
      answer: (answer) => {
        asked = undefined;
        resolve(answer);
      },
    };
  });
}

export async function confirm(of: Question): Promise<boolean> {
  return (await put(of)) !== 'no';
}

/** Whether to delete something, after it is said what will be lost. */
export function confirmDelete(title: string, text: string): Promise<boolean> {
  return confirm({ title, text, action: t('remove'), danger: true });
}

/** The same where something else can go with it. */
export function confirmDeleteAlso(title: string, text: string, also: string): Promise<Answer> {
  return put({ title, text, action: t('remove'), danger: true, also });
}
