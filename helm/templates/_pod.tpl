{{- /* What the pods of all components have in common: no rights, no root, no token. */ -}}
{{- define "workcenter.pod" -}}
serviceAccountName: {{ include "workcenter.serviceAccountName" . }}
automountServiceAccountToken: false
# Variables named after Services could pass for settings.
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- /* What all containers have in common. */ -}}
{{- define "workcenter.container" -}}
image: {{ include "workcenter.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{- /* When a pod of a program that serves lives, and when it is ready. Takes the port of its gRPC. */ -}}
{{- define "workcenter.probes" -}}
# A pod that waits for its schema lives, and is not ready: to start it anew would not help.
startupProbe:
  grpc: {port: {{ . }}, service: liveness}
  periodSeconds: 2
  failureThreshold: 45
  timeoutSeconds: 3
livenessProbe:
  grpc: {port: {{ . }}, service: liveness}
  periodSeconds: 10
  failureThreshold: 6
  timeoutSeconds: 3
readinessProbe:
  grpc: {port: {{ . }}}
  periodSeconds: 5
  failureThreshold: 2
  timeoutSeconds: 3
{{- end -}}

{{- /* Pods of a component keep apart where they can. Takes (list . COMPONENT). */ -}}
{{- define "workcenter.spread" -}}
{{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- topologyKey: {{ $key }}
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "workcenter.selector" $ | nindent 6 }}
{{- end }}
{{- end -}}

{{- /* How long a program may take to stop, in seconds: its delay, its drain, and ten more for what comes after. */ -}}
{{- define "workcenter.grace" -}}
{{- add .Values.settings.shared.drainDelaySeconds .Values.settings.shared.drainSeconds 10 -}}
{{- end -}}
