/** A question before something is lost. */

export interface Question {
  title: string;
  /** What will be lost, and whether it comes back. */
  text: string;
  /** What the button says. */
  action: string;
  danger: boolean;
  /** What the other button says. */
  cancel?: string;
  answer: (yes: boolean) => void;
}

let asked = $state.raw<Question>();

export const question = {
  get asked(): Question | undefined {
    return asked;
  },
};

export function confirm(of: Omit<Question, 'answer'>): Promise<boolean> {
  return new Promise((resolve) => {
    asked = {
      ...of,
      answer: (yes) => {
        asked = undefined;
        resolve(yes);
      },
    };
  });
}
