// These stories run against real servers on machines that others load too: one that fails is told once more, and both errors are
// shown. What is broken fails twice.
jest.retryTimes(1, { logErrorsBeforeRetry: true });
