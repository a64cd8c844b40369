package config

import "errors"

// valueError says what is wrong with a value, in Redis's words where it has them; so some begin with a capital.
type valueError string

func (e valueError) Error() string { return string(e) }

// Values that cannot be parsed, and directives that cannot be taken.
const (
	errNotInteger    valueError = "argument couldn't be parsed into an integer"
	errNotBool       valueError = "argument must be 'yes' or 'no'"
	errNotMemory     valueError = "argument must be a memory value"
	errNotPercentage valueError = "argument must be a memory or percent value"
	errNotOctal      valueError = "argument couldn't be parsed as an octal number"
	errNotDuration   valueError = "argument must be a duration such as 20ms or 2s"
	errAccessRules   valueError = "access control lists are not supported, use requirepass"
	errNotSupported  valueError = "this directive of Redis is not supported, and ignoring it would not be safe"
	errWordCount     valueError = "wrong number of arguments"
	errSaveWords     valueError = "Invalid save parameters"
	errNotAddress    valueError = "argument must be host names or IP addresses"
	errManyAddresses valueError = "Too many bind addresses specified."
	errLimitWords    valueError = "Wrong number of arguments in buffer limit configuration."
	errLimitClass    valueError = "Invalid client class specified in buffer limit configuration."
	errLimitValue    valueError = "Error in hard, soft or soft_seconds setting in buffer limit configuration."
)

// Errors of the commands, complete as a client gets them.
var (
	// ErrSyntax is returned by Live.Set for a name without a value.
	ErrSyntax = errors.New("ERR syntax error")
	// ErrNoFile is returned by Live.Rewrite where the configuration came from flags or standard input only.
	ErrNoFile = errors.New("ERR The server is running without a config file")
)

// ErrUnknown is wrapped by the fault of a directive that is neither Kindred's nor Redis's.
var ErrUnknown = errors.New("unknown directive")

// Fault is one thing that is wrong with a configuration. Load and Config.Validate return an errors.Join of them.
type Fault struct {
	// Where is FILE:LINE, or the flag with its dashes. It is empty for faults of the configuration as a whole.
	Where string
	// Directive is the name of the row, or the unknown name. It is empty for a line without a name.
	Directive string
	// Near is a known name close to an unknown one, if there is any.
	Near string
	Err  error
}

// Error is a line for people. It quotes no value of a secret directive.
func (f *Fault) Error() string {
	s := f.Err.Error()
	if f.Directive != "" {
		s = f.Directive + ": " + s
	}
	if f.Where != "" && f.Where != "--"+f.Directive {
		s = f.Where + ": " + s
	} else if f.Where != "" {
		s = "--" + s
	}
	if f.Near != "" {
		s += "; did you mean '" + f.Near + "'?"
	}
	return s
}

// Unwrap returns what is wrong.
func (f *Fault) Unwrap() error { return f.Err }

// joinFaults makes one error of faults, nil of none.
func joinFaults(faults []*Fault) error {
	errs := make([]error, len(faults))
	for i, f := range faults {
		errs[i] = f
	}
	return errors.Join(errs...)
}
