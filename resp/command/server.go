package command

func serverSpecs() []Spec { return nil }
