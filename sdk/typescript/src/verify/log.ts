// The steps of a verification as they are taken.
import { type Step, type Words, line, titleOf } from "./verdict.js";

export class Log {
  readonly steps: Step[] = [];

  /** `step` holds; unless `checked` it rests on the chain's validators. */
  passed(step: string, en: string, zh: string, checked = true): Words {
    const detail = { en: line(en), zh: line(zh) };
    if (!checked) {
      detail.en += " (rests on this chain's validators)";
      detail.zh += "（以本链验证节点为凭）";
    }
    this.steps.push({ name: step, ok: true, checked, title: titleOf(step), detail });
    return detail;
  }

  /** Something that is not there to be checked. */
  absent(step: string, en: string, zh: string): void {
    this.steps.push({ name: step, ok: true, checked: false, title: titleOf(step), detail: { en, zh } });
  }

  failed(step: string, words: Words): void {
    const detail = { en: line(words.en), zh: line(words.zh) };
    this.steps.push({ name: step, ok: false, checked: true, title: titleOf(step), detail });
  }
}
